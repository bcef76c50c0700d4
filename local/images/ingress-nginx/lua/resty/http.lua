-- An HTTP client, which the controller needs for OCSP stapling alone.
return { new = require("resty.refuse")("enable-ocsp") }
