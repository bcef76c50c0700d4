-- A list of networks, which the controller needs for the global rate limit alone.
return {
  new = function()
    error("global-rate-limit-ignored-cidrs is not supported by this image")
  end,
}
