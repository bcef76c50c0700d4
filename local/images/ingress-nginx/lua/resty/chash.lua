-- Consistent hashing, which annotations alone ask for.
return {
  new = function()
    error("upstream-hash-by and sticky sessions are not supported by this image")
  end,
}
