// Whoever imports this module sees all of the project but the engine's inside.
@_exported public import Control
@_exported public import Demonstrations
@_exported public import Evaluation
@_exported public import NoiseSchedules
@_exported public import Policies
@_exported public import PolicyInterface
@_exported public import PolicyNetworks
@_exported public import PushT
@_exported public import TensorFiles
@_exported public import TensorGraph
@_exported public import Training
