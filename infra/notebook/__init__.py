"""A SageMaker notebook instance for those who want one, by the setting `notebook_repository`."""
