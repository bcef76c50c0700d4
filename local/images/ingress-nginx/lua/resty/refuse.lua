-- A function that refuses what this image lacks.
return function(what)
  return function()
    error(what .. ": not supported by this image")
  end
end
