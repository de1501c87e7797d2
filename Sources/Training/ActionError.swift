import Demonstrations
import NoiseSchedules
import Policies
import PolicyInterface
import TensorGraph

/// How far sampled actions are from the demonstrated ones, on a few windows that were trained on.
///
/// It tells what the loss, a mean over all noise levels, does not: whether denoising from pure noise works. (As the reference
/// implementation's `train_action_mse_error`, but in normalised units and with DDIM, which is quick.)
final class ActionError {
    private static let windows = 64
    private static let samplingSteps = 10

    private let policy: DiffusionPolicy
    private let keys: [RandomKey]
    /// `[windows, To, D]`, raw units.
    private let observations: [Double]
    /// `[windows, To]` of each camera.
    private var images: [String: [RGBImage]] = [:]
    /// `[windows, Tp, A]`, normalised.
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
        data.normaliser.observation.invertToRelative(&observations)
        self.observations = data.normaliser.observation.raw(observations)
        actions = batch.actions
        keys = (0..<count).map { RandomKey(seed: 0).folding("action error").folding($0) }
        policy = try DiffusionPolicy(
            model, parameters: average, normaliser: data.normaliser,
            sampler: .ddim(steps: min(Self.samplingSteps, model.configuration.diffusion.steps)), backend: backend)
    }

    /// The mean squared error of the policy as it is now.
    func measure() throws -> Double {
        let raw = try policy.predict(doubles: observations, images: images, keys: keys)
        var predicted = policy.normaliser.action.relative(raw)
        policy.normaliser.action.applyToRelative(&predicted)
        return zip(predicted, actions).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(actions.count)
    }
}
