-- A lock in a shared dictionary, which the EWMA balancer alone needs.
return {
  new = function()
    error("load-balance: ewma is not supported by this image")
  end,
}
