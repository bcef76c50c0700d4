-- Consistent hashing, which annotations alone ask for.
return { new = require("resty.refuse")("upstream-hash-by and sticky sessions") }
