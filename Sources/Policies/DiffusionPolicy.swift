public import Foundation
public import NoiseSchedules
public import PolicyInterface
public import TensorGraph

/// A policy that denoises chunks of actions, conditioned on the latest observations.
///
/// (Chi et al. 2023, section 2.) The sample begins as standard normal noise drawn from the request's key. `DiffusionModel.stepGraph(batch:sampler:)`
/// runs for positions 0, 1, … of the sampler's table, with the same normalised observations throughout, each `previous` being the next sample
/// (`DenoisingLoop` does that); what is left in the end is a normalised window of actions.
///
/// An answer depends on the weights and on what the request holds, its key included; how many requests share a batch changes no more than
/// the rounding of sums. An instance is used by one thread at a time.
public final class DiffusionPolicy: ChunkingPolicy {
    /// The mathematics, and the configuration that it was built for.
    public let model: DiffusionModel
    /// Between raw units and those of the network.
    public let normaliser: Normaliser
    /// How actions are sampled.
    public let sampler: Sampler
    /// How many predicted actions were moved into the configured limits so far.
    public private(set) var clampedActions = 0

    let parameters: any DeviceBuffer
    let backend: any Backend
    /// The limits of actions without the origin.
    private let limits: (lower: [Float], upper: [Float])?
    private var loops: [Int: DenoisingLoop] = [:]

    /// The largest batch that is denoised at once; larger requests are split.
    public static let largestBatch = 64

    /// A policy over weights in a machine's memory, for example the moving average of a training that is under way.
    /// - Parameters:
    ///   - parameters: the flat vector that `model.table` describes; later changes are seen.
    ///   - sampler: the configuration's own if not given.
    /// - Precondition: there are as many parameters as `model.table` has.
    /// - Throws: `InvalidSetting` when the sampler or the normaliser does not fit the model.
    public init(
        _ model: DiffusionModel, parameters: any DeviceBuffer, normaliser: Normaliser, sampler: Sampler? = nil,
        backend: any Backend
    ) throws {
        precondition(
            parameters.count == model.table.count, "\(parameters.count) weights, \(model.table.count) in the table")
        try normaliser.validate(for: model.configuration)
        let sampler = sampler ?? model.configuration.sampler
        try sampler.validate(trainingSteps: model.configuration.diffusion.steps)
        self.model = model
        self.parameters = parameters
        self.normaliser = normaliser
        self.sampler = sampler
        self.backend = backend
        limits = model.configuration.action.limits.map {
            (normaliser.action.relative($0.lower), normaliser.action.relative($0.upper))
        }
    }

    /// The policy of a policy directory.
    /// - Throws: `TensorFileError`, `FileSystemError` or `InvalidSetting`, as `PolicyDirectory.read()`.
    public convenience init(contentsOf directory: URL, sampler: Sampler? = nil, backend: any Backend) throws {
        let stored = try PolicyDirectory(directory).read(on: backend)
        try self.init(
            stored.model, parameters: stored.parameters, normaliser: stored.normaliser, sampler: sampler,
            backend: backend)
    }

    /// What the policy was built for.
    public var configuration: PolicyConfiguration { model.configuration }

    /// What observations ranged over in the demonstrations, to notice those that lie far from them.
    public var demonstratedRanges: DemonstratedRanges {
        normaliser.observation.demonstratedRanges(of: configuration)
    }

    /// The observed fields of which single precision cannot hold the numbers: they are given in double precision (`Observation.doubles`).
    public var doubleFields: Set<String> {
        let names = configuration.observations.fields.flatMap { field in
            Array(repeating: field.name, count: field.count ?? 0)
        }
        return Set(zip(names, normaliser.observation.origin).filter { $1 != 0 }.map(\.0))
    }

    /// How many observations a request carries and how many actions its answer.
    public var horizon: Horizon { model.configuration.horizon }

    /// Compiles the plans that a batch of this size runs, and runs a step of each that is new.
    /// - Throws: when a plan cannot be made.
    public func prepare(count: Int) throws {
        for items in batches(of: count) where loops[bucket(for: items.count)] == nil {
            let loop = try loop(for: items.count)
            try backend.perform { try loop.warmUp() }
        }
    }

    /// Predicts a chunk for each request.
    /// - Throws: `ObservationError` or `PolicyError` when an observation does not hold what the policy needs, or an action would not be
    ///   finite.
    public func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try chunks(for: requests) { _, _, _ in }
    }

    /// Predicts a chunk for each request and visits the samples at the start and after each step.
    func chunks(for requests: [ChunkRequest], visit: DenoisingVisit) throws -> [ActionChunk] {
        var observations: [Float] = []
        let cameras = configuration.observations.images
        var images = Dictionary(uniqueKeysWithValues: cameras.map { ($0.name, [RGBImage]()) })
        for request in requests {
            guard request.observations.count == horizon.observation else {
                throw PolicyError.wrongHistory(expected: horizon.observation, found: request.observations.count)
            }
            for observation in request.observations {
                observations += try configuration.observations.vector(
                    from: observation, origin: normaliser.observation.origin)
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
        normaliser.action.makeRaw(&raw)
        let doubles = normaliser.action.hasOrigin ? normaliser.action.raw(actions) : nil
        return requests.indices.map { item in
            ActionChunk(
                prediction: rows(raw, of: item), executed: horizon.executed,
                doubles: doubles.map { rows($0, of: item) },
                clampedActions: clamped[item])
        }
    }

    /// Predicts actions `[B, Tp, A]` from observations `[B, To, D]`, both in raw units.
    /// - Parameters:
    ///   - observations: the oldest of each item first.
    ///   - images: of each camera by its name, `[B, To]` images in the camera's own size.
    ///   - noise: the starting noise in normalised units, `[B, Tp, A]`, or `[B, Tp, A + D]` when observations are inpainted; drawn from the
    ///     keys if not given.
    ///   - keys: the randomness of each item.
    ///   - starts: what each item is denoised from instead of from noise alone; none if not given.
    /// - Throws: `PolicyError` when the numbers are too few, too many or not finite; `ObservationError` when a camera's images are missing, unknown or
    ///   of another size.
    public func predict(
        observations: [Float], images: [String: [RGBImage]] = [:], noise: [Float]? = nil, keys: [RandomKey],
        starts: [WarmStart?] = []
    ) throws -> [Float] {
        var values = observations
        normaliser.observation.makeRelative(&values)
        values = try predict(relative: values, images: images, noise: noise, keys: keys, starts: starts) { _, _, _ in }
            .actions
        normaliser.action.makeRaw(&values)
        return values
    }

    /// Predicts actions `[B, Tp, A]` from observations `[B, To, D]`, both in raw units and in double precision, for policies whose numbers single
    /// precision cannot hold.
    ///
    /// What the demonstrations lie around is subtracted from the observations before they are rounded, and added to the actions.
    /// - Parameters: as of `predict(observations:images:noise:keys:starts:)`.
    /// - Throws: as that one.
    public func predict(
        doubles observations: [Double], images: [String: [RGBImage]] = [:], noise: [Float]? = nil, keys: [RandomKey],
        starts: [WarmStart?] = []
    ) throws -> [Double] {
        let actions = try predict(
            relative: normaliser.observation.relative(observations), images: images, noise: noise, keys: keys,
            starts: starts
        ) { _, _, _ in }.actions
        return normaliser.action.raw(actions)
    }

    /// What looks at the samples of some items after so many steps, on the thread that computes.
    typealias DenoisingVisit = (_ loop: DenoisingLoop, _ items: Range<Int>, _ steps: Int) throws -> Void

    /// Predicts relative actions from relative observations, and how many actions of each item were moved into the limits.
    private func predict(
        relative observations: [Float], images: [String: [RGBImage]], noise: [Float]?, keys: [RandomKey],
        starts: [WarmStart?],
        visit: DenoisingVisit
    ) throws -> (actions: [Float], clamped: [Int]) {
        try check(observations, noise, count: keys.count)
        try configuration.check(images, count: keys.count)
        try check(starts, count: keys.count)
        var normalised = observations
        normaliser.observation.applyToRelative(&normalised)
        var actions: [Float] = []
        actions.reserveCapacity(keys.count * horizon.prediction * configuration.action.dimension)
        for items in batches(of: keys.count) {
            let loop = try loop(for: items.count)
            try backend.perform {
                loop.start(keys: keys[items])
                if let noise { lay(noise, of: items, outOf: keys.count, into: &loop.sample) }
                if !starts.isEmpty { lay(starts[items], into: loop) }
                lay(images, of: items, into: &loop.images)
                let size = normalised.count / keys.count
                for (index, value) in normalised[items.lowerBound * size..<items.upperBound * size].enumerated() {
                    loop.observations[index] = value
                }
                try loop.run(keys: keys[items]) { try visit(loop, items, $0) }
            }
            appendActions(of: items.count, from: loop, to: &actions)
        }
        normaliser.action.invertToRelative(&actions)
        try checkFinite(actions)
        let clamped = clamp(&actions, count: keys.count)
        return (actions, clamped)
    }

    /// Appends the normalised actions of the first items of a loop, `[items, Tp, A]`.
    func appendActions(of items: Int, from loop: DenoisingLoop, to actions: inout [Float]) {
        for row in 0..<items * horizon.prediction {
            let start = row * model.sampleDimension
            actions += loop.sample[start..<start + configuration.action.dimension]
        }
    }

    /// Consecutive items that are denoised at once.
    private func batches(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: Self.largestBatch).map { $0..<min($0 + Self.largestBatch, count) }
    }

    /// The size of the batch that some items share: the next power of two.
    private func bucket(for count: Int) -> Int {
        var batch = 1
        while batch < count { batch *= 2 }
        return batch
    }

    /// The compiled loop for a number of items.
    private func loop(for count: Int) throws -> DenoisingLoop {
        let batch = bucket(for: count)
        if let loop = loops[batch] { return loop }
        let loop = try DenoisingLoop(model, sampler: sampler, batch: batch, parameters: parameters, on: backend)
        loops[batch] = loop
        return loop
    }

    /// Lays given noise over the first components of the samples of some items.
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

    /// Moves actions into the limits and counts those of each item that were outside.
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
