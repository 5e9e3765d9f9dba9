"""The SageMaker service of the embedded cloud.

`api` is the door: `api.call` in-process, `api.handle_request` over HTTP. The control plane is one module a
resource (`training_jobs`, `endpoints`, …); `training_run` and `hosting` run the programs; `runtime`
answers InvokeEndpoint.
"""
