public import PolicyInterface

/// A policy that can be watched, and what may be changed about it.
public struct PlayedPolicy: Sendable {
    /// What the page calls it.
    public var name: String
    /// How many observations it looks at and how many actions it predicts.
    public var horizon: Horizon
    /// How many steps its diffusion has: the most that a sampler can take.
    public var trainingSteps: Int
    /// What it begins with.
    public var settings: PlaySettings
    /// Makes the policy with another sampler; called on the thread that will ask it.
    ///
    /// A `RefiningPolicy` also shows how its plans come about.
    public var make: @Sendable (PlaySettings) throws -> any ChunkingPolicy

    /// A policy to watch.
    public init(
        name: String, horizon: Horizon, trainingSteps: Int, settings: PlaySettings,
        make: @escaping @Sendable (PlaySettings) throws -> any ChunkingPolicy
    ) {
        self.name = name
        self.horizon = horizon
        self.trainingSteps = trainingSteps
        self.settings = settings
        self.make = make
    }
}
