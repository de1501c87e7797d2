package import DPInterface

/// A policy to play, with its adjustable settings.
package struct PlayedPolicy: Sendable {
    /// The name that the page shows.
    package var name: String
    /// The numbers of observations that it receives and of actions that it predicts.
    package var horizon: Horizon
    /// Number of diffusion steps in training: the maximum for a sampler.
    package var trainingSteps: Int
    /// The initial settings.
    package var settings: PlaySettings
    /// Makes the policy with a given sampler; called on the queue that will call the policy.
    ///
    /// For a `DenoisingPolicy`, the page also shows the denoising of its plans.
    package var make: @Sendable (PlaySettings) throws -> any ChunkingPolicy

    /// A policy to play.
    package init(
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
