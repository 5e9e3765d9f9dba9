"""The inference server of the local endpoint, and the settings of the AWS serving container."""
