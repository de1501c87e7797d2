package import DPBase
package import DPGraph
public import DPInterface
package import Foundation

/// A policy that denoises chunks of actions, conditioned on the latest observations.
///
/// See Chi et al. 2023, section 2. The sample begins as standard normal noise drawn from the request's key.
/// `DenoisingLoop` runs `DiffusionModel.stepGraph(batch:sampler:)` for positions 0, 1, … of the sampler's table,
/// with the same normalized observations throughout; each `previous` is the next sample. The last sample is a
/// normalized window of actions.
///
/// A result depends only on the weights and the request, including its key; the number of requests in a batch
/// changes no more than the rounding of sums. Use an instance from one thread at a time.
///
/// ```swift
/// let policy = try DiffusionPolicy(contentsOf: "Policies/pusht", sampler: .ddim(steps: 10))
/// try policy.prepare(count: 1)  // compiles now, so that the first chunk is not late
/// let request = ChunkRequest(observations: observations, key: RandomKey(seed: 0))
/// let actions = try policy.predictActionChunks(for: [request])[0].actions  // [Ta, A], in raw units
/// ```
public final class DiffusionPolicy: ChunkingPolicy {
    /// The model and its configuration.
    package let model: DiffusionModel
    /// The conversion between raw units and those of the network.
    package let normalizer: Normalizer
    /// The sampler of the actions.
    package let sampler: Sampler
    /// Number of predicted actions that have been clamped to the configured limits so far.
    public private(set) var clampedActions = 0

    let parameters: any DeviceBuffer
    let backend: any Backend
    /// The limits of actions with the origin subtracted.
    private let limits: (lower: [Float], upper: [Float])?
    private var loops: [Int: DenoisingLoop] = [:]

    /// The largest batch that is denoised at once; larger batches are split.
    package static let largestBatch = 64

    /// Creates a policy over weights in a machine's memory, for example the EMA of a training run in progress.
    /// - Parameters:
    ///   - parameters: the flat vector that `model.table` describes; later changes take effect.
    ///   - sampler: the sampler; that of the configuration by default.
    /// - Precondition: the number of parameters is that of `model.table`.
    /// - Throws: `InputError` when the sampler or the normalizer does not fit the model.
    package init(
        _ model: DiffusionModel, parameters: any DeviceBuffer, normalizer: Normalizer, sampler: Sampler? = nil,
        backend: any Backend
    ) throws {
        precondition(
            parameters.count == model.table.count, "\(parameters.count) weights, \(model.table.count) in the table")
        try normalizer.validate(for: model.configuration)
        let sampler = sampler ?? model.configuration.sampler
        try sampler.validate(trainingSteps: model.configuration.diffusion.steps)
        self.model = model
        self.parameters = parameters
        self.normalizer = normalizer
        self.sampler = sampler
        self.backend = backend
        limits = model.configuration.action.limits.map {
            (normalizer.action.relative($0.lower), normalizer.action.relative($0.upper))
        }
    }

    /// Loads the policy of a policy directory.
    /// - Throws: `InputError`, `FileSystemError`, or `InputError`, like `PolicyDirectory.read()`.
    package convenience init(contentsOf directory: URL, sampler: Sampler? = nil, backend: any Backend) throws {
        let stored = try PolicyDirectory(directory).read(on: backend)
        try self.init(
            stored.model, parameters: stored.parameters, normalizer: stored.normalizer, sampler: sampler,
            backend: backend)
    }

    /// The configuration of the policy.
    public var configuration: PolicyConfiguration { model.configuration }

    /// The ranges of the observations in the training data, for detecting observations far outside of them.
    package var demonstratedRanges: TrainingRanges {
        normalizer.observation.demonstratedRanges(of: configuration)
    }

    /// The observed features that need double precision: requests pass them in `RobotObservation.doubles`.
    public var doubleFeatures: Set<String> {
        let names = configuration.observations.features.flatMap { feature in
            Array(repeating: feature.name, count: feature.count ?? 0)
        }
        return Set(zip(names, normalizer.observation.origin).filter { $1 != 0 }.map(\.0))
    }

    /// The numbers of observations in a request and of actions in a chunk.
    public var horizon: Horizon { model.configuration.horizon }

    /// Compiles the plans for a batch of this size, and runs one step of each new plan.
    /// - Throws: when a plan cannot be compiled.
    public func prepare(count: Int) throws {
        for items in batches(of: count) where loops[bucket(for: items.count)] == nil {
            let loop = try loop(for: items.count)
            try backend.perform { try loop.warmUp() }
        }
    }

    /// Predicts a chunk for each request.
    /// - Throws: `InputError` or `PolicyError` when an observation does not contain the values that the
    ///   policy needs, or an action is not finite.
    public func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try predictActionChunks(for: requests) { _, _, _ in }
    }

    /// Predicts a chunk for each request and calls `visit` at the start and after each step.
    func predictActionChunks(for requests: [ChunkRequest], visit: DenoisingVisit) throws -> [ActionChunk] {
        var observations: [Float] = []
        let cameras = configuration.observations.images
        var images = Dictionary(uniqueKeysWithValues: cameras.map { ($0.name, [RGBImage]()) })
        for request in requests {
            guard request.observations.count == horizon.observation else {
                throw PolicyError.wrongHistory(expected: horizon.observation, found: request.observations.count)
            }
            for observation in request.observations {
                observations += try configuration.observations.vector(
                    from: observation, origin: normalizer.observation.origin)
                for (camera, image) in zip(cameras, try configuration.observations.images(from: observation)) {
                    images[camera.name, default: []].append(image)
                }
            }
        }
        let (actions, clamped) = try predict(
            relative: observations, images: images, noise: startingNoise(of: requests), keys: requests.map(\.key),
            starts: requests.contains { $0.start != nil } ? requests.map(\.start) : [], visit: visit)
        let (length, dimension) = (horizon.prediction, configuration.action.dimension)
        func rows<Number>(_ numbers: [Number], of item: Int) -> [[Number]] {
            (item * length..<(item + 1) * length).map { Array(numbers[$0 * dimension..<($0 + 1) * dimension]) }
        }
        var raw = actions
        normalizer.action.makeRaw(&raw)
        let doubles = normalizer.action.hasOrigin ? normalizer.action.raw(actions) : nil
        return requests.indices.map { item in
            ActionChunk(
                prediction: rows(raw, of: item), executed: horizon.executed,
                doubles: doubles.map { rows($0, of: item) },
                clampedActions: clamped[item])
        }
    }

    /// Predicts actions `[B, Tp, A]` from observations `[B, To, D]`, both in raw units.
    /// - Parameters:
    ///   - observations: the observations of each item, oldest first.
    ///   - images: the images of each camera by name, `[B, To]`, in the camera's own size.
    ///   - noise: the starting noise in normalized units, `[B, Tp, A]`, or `[B, Tp, A + D]` when observations are
    ///     inpainted; drawn from the keys if not given.
    ///   - keys: the random key of each item.
    ///   - starts: the warm start of each item; none by default.
    /// - Throws: `PolicyError` when numbers are too few, too many, or not finite; `InputError` when a
    ///   camera's images are missing, unknown, or of another size.
    package func predict(
        observations: [Float], images: [String: [RGBImage]] = [:], noise: [Float]? = nil, keys: [RandomKey],
        starts: [WarmStart?] = []
    ) throws -> [Float] {
        var values = observations
        normalizer.observation.makeRelative(&values)
        values = try predict(relative: values, images: images, noise: noise, keys: keys, starts: starts) { _, _, _ in }
            .actions
        normalizer.action.makeRaw(&values)
        return values
    }

    /// Predicts actions `[B, Tp, A]` from observations `[B, To, D]`, both in raw units and in double precision, for
    /// policies whose values need it.
    ///
    /// The normalizer's origin is subtracted from the observations before they are rounded, and added to the actions.
    /// - Parameters: those of `predict(observations:images:noise:keys:starts:)`.
    /// - Throws: the same errors.
    package func predict(
        doubles observations: [Double], images: [String: [RGBImage]] = [:], noise: [Float]? = nil, keys: [RandomKey],
        starts: [WarmStart?] = []
    ) throws -> [Double] {
        let actions = try predict(
            relative: normalizer.observation.relative(observations), images: images, noise: noise, keys: keys,
            starts: starts
        ) { _, _, _ in }.actions
        return normalizer.action.raw(actions)
    }

    /// A callback that receives the samples of some items after a number of steps, on the computing thread.
    typealias DenoisingVisit = (_ loop: DenoisingLoop, _ items: Range<Int>, _ steps: Int) throws -> Void

    /// Predicts relative actions from relative observations, and counts the clamped actions of each item.
    private func predict(
        relative observations: [Float], images: [String: [RGBImage]], noise: [Float]?, keys: [RandomKey],
        starts: [WarmStart?],
        visit: DenoisingVisit
    ) throws -> (actions: [Float], clamped: [Int]) {
        try check(observations, noise, count: keys.count)
        try configuration.check(images, count: keys.count)
        try check(starts, count: keys.count)
        var normalized = observations
        normalizer.observation.applyToRelative(&normalized)
        var actions: [Float] = []
        actions.reserveCapacity(keys.count * horizon.prediction * configuration.action.dimension)
        for items in batches(of: keys.count) {
            let loop = try loop(for: items.count)
            try backend.perform {
                loop.start(keys: keys[items])
                if let noise { lay(noise, of: items, outOf: keys.count, into: &loop.sample) }
                if !starts.isEmpty { lay(starts[items], into: loop) }
                writeInputs(from: images, items: items, to: &loop.images)
                let size = normalized.count / keys.count
                for (index, value) in normalized[items.lowerBound * size..<items.upperBound * size].enumerated() {
                    loop.observations[index] = value
                }
                try loop.run(keys: keys[items]) { try visit(loop, items, $0) }
            }
            appendActions(of: items.count, from: loop, to: &actions)
        }
        normalizer.action.invertToRelative(&actions)
        try checkFinite(actions)
        let clamped = clamp(&actions, count: keys.count)
        return (actions, clamped)
    }

    /// Appends the normalized actions of the first items of a loop, `[items, Tp, A]`.
    func appendActions(of items: Int, from loop: DenoisingLoop, to actions: inout [Float]) {
        for row in 0..<items * horizon.prediction {
            let start = row * model.sampleDimension
            actions += loop.sample[start..<start + configuration.action.dimension]
        }
    }

    /// Returns ranges of consecutive items that are denoised at once.
    private func batches(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: Self.largestBatch).map { $0..<min($0 + Self.largestBatch, count) }
    }

    /// Returns the batch size for a number of items: the next power of two.
    private func bucket(for count: Int) -> Int {
        var batch = 1
        while batch < count { batch *= 2 }
        return batch
    }

    /// Returns the compiled loop for a number of items.
    private func loop(for count: Int) throws -> DenoisingLoop {
        let batch = bucket(for: count)
        if let loop = loops[batch] { return loop }
        let loop = try DenoisingLoop(model, sampler: sampler, batch: batch, parameters: parameters, on: backend)
        loops[batch] = loop
        return loop
    }

    /// Writes given noise into the first components of the samples of some items.
    private func lay(_ noise: [Float], of items: Range<Int>, outOf count: Int, into sample: inout [Float]) {
        let rows = items.count * horizon.prediction
        let dimension = noise.count / (count * horizon.prediction)
        let first = items.lowerBound * horizon.prediction
        for row in 0..<rows {
            for component in 0..<dimension {
                sample[row * model.sampleDimension + component] = noise[(first + row) * dimension + component]
            }
        }
    }

    private func check(_ observations: [Float], _ noise: [Float]?, count: Int) throws {
        let shape = [count, horizon.observation, model.observationDimension]
        guard observations.count == shape.reduce(1, *) else {
            throw PolicyError.wrongCount(what: "observation", shape: shape, found: observations.count)
        }
        if let index = observations.firstIndex(where: { !$0.isFinite }) {
            let size = observations.count / count
            throw PolicyError.observationNotFinite(
                item: index / size, index: index % size, value: "\(observations[index])")
        }
        guard let noise else { return }
        let dimensions = [configuration.action.dimension, model.sampleDimension]
        guard dimensions.contains(where: { noise.count == count * horizon.prediction * $0 }) else {
            throw PolicyError.wrongCount(
                what: "noise", shape: [count, horizon.prediction, dimensions[0]], found: noise.count)
        }
        if let index = noise.firstIndex(where: { !$0.isFinite }) {
            throw PolicyError.noiseNotFinite(index: index, value: "\(noise[index])")
        }
    }

    private func checkFinite(_ actions: [Float]) throws {
        guard let index = actions.firstIndex(where: { !$0.isFinite }) else { return }
        let dimension = configuration.action.dimension
        let row = index / dimension
        throw PolicyError.actionNotFinite(
            item: row / horizon.prediction, time: row % horizon.prediction, component: index % dimension)
    }

    /// Clamps actions to the limits, and counts the clamped actions of each item.
    private func clamp(_ actions: inout [Float], count: Int) -> [Int] {
        var clamped = [Int](repeating: 0, count: count)
        guard let limits else { return clamped }
        let dimension = configuration.action.dimension
        for start in stride(from: 0, to: actions.count, by: dimension) {
            var isOutside = false
            for component in 0..<dimension {
                let value = actions[start + component]
                let inside = min(max(value, limits.lower[component]), limits.upper[component])
                isOutside = isOutside || inside != value
                actions[start + component] = inside
            }
            if isOutside { clamped[start / (horizon.prediction * dimension)] += 1 }
        }
        clampedActions += clamped.reduce(0, +)
        return clamped
    }
}
