"""Tools of servers that speak the Model Context Protocol: started when an agent first needs one, ended with Nexus."""
