-- One request in the default configuration of luasec.
local body, code = require("ssl.https").request(arg[1])
if not body then
  io.stderr:write(tostring(code), "\n")
  os.exit(1)
end
print(body)
