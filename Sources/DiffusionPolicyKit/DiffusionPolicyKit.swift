// The modules that `import DiffusionPolicyKit` makes visible.
@_exported public import DPBase
@_exported public import DPDatasets
@_exported public import DPEvaluation
@_exported public import DPInterface
@_exported public import DPPolicy
@_exported public import DPTraining
