"""An AWS account on this machine: ministack, plus what it lacks (SageMaker, Budgets, Cost Explorer, …)."""
