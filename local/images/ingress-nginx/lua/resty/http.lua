-- An HTTP client, which the controller needs for OCSP stapling alone.
return {
  new = function()
    error("enable-ocsp is not supported by this image")
  end,
}
