-- Consistent hashing by highest random weight: a key keeps its node until that node goes, and only then moves.

local md5_bin = ngx.md5_bin
local byte = string.byte
local log = math.log

local _M = {}
_M.__index = _M

-- nodes: table from name to weight, a positive number.
function _M.new(_, nodes)
  return setmetatable({ nodes = nodes }, _M)
end

function _M.reinit(self, nodes)
  self.nodes = nodes
end

-- The name of the key's node; nil where there is none.
function _M.find(self, key)
  local best, best_score
  for name, weight in pairs(self.nodes) do
    local a, b, c, d = byte(md5_bin(name .. "\0" .. key), 1, 4)
    -- A number strictly between 0 and 1; then the node with the least score wins as often as its weight says.
    local uniform = (((a * 256 + b) * 256 + c) * 256 + d + 0.5) / 2 ^ 32
    local score = -log(uniform) / weight
    if best == nil or score < best_score then
      best, best_score = name, score
    end
  end
  return best
end

return _M
