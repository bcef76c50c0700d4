-- A lock in a shared dictionary. The EWMA balancer makes one when it is loaded, and asks for it when it is used.
local function refuse()
  error("load-balance: ewma is not supported by this image")
end

return {
  new = function()
    return { lock = refuse, unlock = refuse }
  end,
}
