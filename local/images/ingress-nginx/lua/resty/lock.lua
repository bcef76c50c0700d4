-- A lock in a shared dictionary. It never waits: its one user, the EWMA balancer, asks for a timeout of 0.

local _M = {}
_M.__index = _M

-- dictionary: name of the shared dictionary; options.exptime: seconds after which a lock that was forgotten is free.
function _M.new(_, dictionary, options)
  local dict = ngx.shared[dictionary]
  if not dict then
    return nil, "dictionary not found"
  end
  if options.timeout ~= 0 then
    return nil, "only a timeout of 0 is supported"
  end
  return setmetatable({ dict = dict, exptime = options.exptime }, _M)
end

-- Seconds waited, which is 0; nil and "timeout" where another holds the lock.
function _M.lock(self, key)
  if self.key then
    return nil, "locked"
  end
  local ok, err = self.dict:add(key, ngx.worker.pid(), self.exptime)
  if not ok then
    return nil, err == "exists" and "timeout" or err
  end
  self.key = key
  return 0
end

function _M.unlock(self)
  local key = self.key
  if not key then
    return nil, "unlocked"
  end
  self.key = nil
  -- After exptime it may be another worker's.
  if self.dict:get(key) == ngx.worker.pid() then
    self.dict:delete(key)
  end
  return 1
end

return _M
