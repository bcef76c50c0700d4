-- Smooth weighted round robin: each node comes as often as its weight says, and its turns are spread evenly.

local _M = {}
_M.__index = _M

-- nodes: table from name to weight, a positive number.
function _M.new(_, nodes)
  local self = setmetatable({}, _M)
  self:reinit(nodes)
  return self
end

function _M.reinit(self, nodes)
  -- The caller compares this table with new endpoints: it stays as it was given.
  self.nodes = nodes
  self.credits = {}
  self.total = 0
  local count = 0
  for name, weight in pairs(nodes) do
    self.credits[name] = 0
    self.total = self.total + weight
    count = count + 1
  end
  -- Workers begin at different nodes, so that their first requests do not all meet at one.
  for _ = 2, math.random(math.max(count, 1)) do
    self:find()
  end
end

-- The next node's name; nil where there is none.
function _M.find(self)
  local best
  for name, weight in pairs(self.nodes) do
    local credit = self.credits[name] + weight
    self.credits[name] = credit
    if best == nil or credit > self.credits[best] then
      best = name
    end
  end
  if best ~= nil then
    self.credits[best] = self.credits[best] - self.total
  end
  return best
end

return _M
