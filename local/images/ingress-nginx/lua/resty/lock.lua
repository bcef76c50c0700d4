-- A lock in a shared dictionary. The EWMA balancer makes one when it is loaded, and asks for it when it is used.
local refuse = require("resty.refuse")("load-balance: ewma")

return {
  new = function()
    return { lock = refuse, unlock = refuse }
  end,
}
