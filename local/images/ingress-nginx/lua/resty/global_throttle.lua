-- The global rate limit, which wants a memcached. A request fails rather than pass without the limit.
return { new = require("resty.refuse")("global-rate-limit") }
