import DPBase
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy

/// The error of sampled actions against the demonstrated ones, on a few training windows.
///
/// The loss is a mean over all noise levels; this error also shows whether denoising from pure noise works. (As the
/// reference implementation's `train_action_mse_error`, but in normalized units and with DDIM, which is fast.)
final class ActionError {
    private static let windows = 64
    private static let samplingSteps = 10

    private let policy: DiffusionPolicy
    private let keys: [RandomKey]
    /// `[windows, To, D]`, raw units.
    private let observations: [Double]
    /// `[windows, To]` of each camera.
    private var images: [String: [RGBImage]] = [:]
    /// `[windows, Tp, A]`, normalized.
    private let actions: [Float]

    init(_ model: DiffusionModel, assembler: BatchAssembler, average: any DeviceBuffer, on backend: any Backend) throws
    {
        let data = assembler.data
        let count = min(Self.windows, data.training.count)
        let batch = Batch(count: count, layout: assembler.layout)
        let size = model.configuration.horizon.observation * model.observationDimension
        var observations: [Float] = []
        for item in 0..<count {
            // Spread over all episodes.
            let window = item * data.training.count / count
            data.fill(batch, item: item, from: data.training, window: window)
            images.merge(data.recordedImages(from: data.training, window: window)) { $0 + $1 }
            let start = item * assembler.layout.observationCount
            observations += batch.observations[start..<start + size]
        }
        data.normalizer.observation.invertToRelative(&observations)
        self.observations = data.normalizer.observation.raw(observations)
        actions = batch.actions
        keys = (0..<count).map { RandomKey(seed: 0).folding("action error").folding($0) }
        policy = try DiffusionPolicy(
            model, parameters: average, normalizer: data.normalizer,
            sampler: .ddim(steps: min(Self.samplingSteps, model.configuration.diffusion.steps)), backend: backend)
    }

    /// Returns the mean squared error of the policy with its current weights.
    func measure() throws -> Double {
        let raw = try policy.predict(doubles: observations, images: images, keys: keys)
        var predicted = policy.normalizer.action.relative(raw)
        policy.normalizer.action.applyToRelative(&predicted)
        return zip(predicted, actions).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(actions.count)
    }
}
