-- The global rate limit, which wants a memcached. A request fails rather than pass without the limit.
return {
  new = function()
    error("global-rate-limit is not supported by this image")
  end,
}
