-- Round robin over names; the controller gives all of them the same weight.

local _M = {}
_M.__index = _M

function _M.new(_, nodes)
  local self = setmetatable({}, _M)
  self:reinit(nodes)
  return self
end

-- nodes: table whose keys are the names.
function _M.reinit(self, nodes)
  -- The caller compares this table with new endpoints: it stays as it was given.
  self.nodes, self.names = nodes, {}
  for name in pairs(nodes) do
    table.insert(self.names, name)
  end
  -- Workers begin at different nodes, so that their first requests do not all meet at one.
  self.turn = math.random(0, #self.names)
end

-- The next node's name; nil where there is none.
function _M.find(self)
  self.turn = self.turn % math.max(#self.names, 1) + 1
  return self.names[self.turn]
end

return _M
