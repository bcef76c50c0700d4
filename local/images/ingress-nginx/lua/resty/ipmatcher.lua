-- A list of networks, which the controller needs for the global rate limit alone.
return { new = require("resty.refuse")("global-rate-limit-ignored-cidrs") }
