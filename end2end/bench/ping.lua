-- Reports of runs, each of a new one: the addresses stand in the file named by the first argument.
local paths, n, stamp = {}, 0, tostring(os.time())
init = function(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = "/ping/" .. line end
end
request = function()
  n = n + 1
  local rid = string.format("%08x-0000-4000-8000-%012x", tonumber(stamp) % 4294967296, n)
  return wrk.format("POST", paths[n % #paths + 1] .. "?rid=" .. rid)
end
dofile((debug.getinfo(1, "S").source:sub(2):match("^(.*/)") or "./") .. "report.lua")
