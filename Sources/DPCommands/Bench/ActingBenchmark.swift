import DPBase
import DPCPU
import DPEvaluation
import DPGraph
import DPInterface
import DPPolicy

/// Measures the speed of inference.
struct ActingBenchmark {
    private let model: DiffusionModel
    private let normalizer: Normalizer
    private let parameters: any DeviceBuffer
    private let machine: CPUBackend

    init(_ subject: BenchmarkSubject, machine: CPUBackend) throws {
        let stored = try subject.storedPolicy()
        model = try DiffusionModel(stored.configuration)
        normalizer = stored.normalizer
        parameters = try machine.makeBuffer(count: model.table.count)
        parameters.write(stored.weights)
        self.machine = machine
    }

    /// Warm-up repetitions, which are not measured.
    private static let warmUp = 5

    /// Measures a network pass in which every input may change, so that nothing is precomputed.
    func pass(batch: Int, repetitions: Int, caches: ColdCaches?) throws -> Measurement {
        let executable = try machine.compile(model.networkGraph(batch: batch), parameters: parameters, gradients: nil)
        let horizon = model.configuration.horizon
        var counts = Dictionary(
            uniqueKeysWithValues: model.imageInputs(batch: batch).map { ($0.name, $0.shape.count) })
        counts["sample"] = batch * horizon.prediction * model.sampleDimension
        if model.observationDimension > 0 {
            counts["observation"] = batch * horizon.observation * model.observationDimension
        }
        let inputs = counts.mapValues { count in
            var values = [Float](repeating: 0, count: count)
            RandomKey(seed: 0).fillNormal(&values)
            return values
        }
        let steps = [Float](repeating: 50, count: batch)
        var output = inputs["sample"] ?? []
        let times = try durations(of: repetitions, caches: caches) {
            try machine.perform {
                for (name, values) in inputs { executable.write(name, values) }
                executable.write("steps", steps)
                try executable.run(.iteration)
                output.withUnsafeMutableBufferPointer { executable.read("output", into: $0) }
            }
        }
        return Measurement(
            work: .pass, parameters: model.table.parameterCount, batch: batch, isCold: caches != nil,
            milliseconds: Timing(times))
    }

    /// Measures the image encoders, from camera images to features.
    func encode(batch: Int, repetitions: Int, caches: ColdCaches?) throws -> Measurement {
        var features = try ImageFeatures(of: model, parameters: parameters, count: batch, on: machine)
        let images = cameraImages(batch: batch)
        let times = try durations(of: repetitions, caches: caches) { _ = try features(images) }
        return Measurement(
            work: .encode, parameters: model.table.parameterCount, batch: batch, isCold: caches != nil,
            milliseconds: Timing(times))
    }

    /// Measures action chunks, from raw observations to raw actions.
    func chunk(batch: Int, _ sampler: SamplerOptions, repetitions: Int, caches: ColdCaches?) throws -> Measurement {
        let policy = try policy(sampler)
        let observations = [Float](
            repeating: 100, count: batch * model.configuration.horizon.observation * model.observationDimension)
        let images = cameraImages(batch: batch)
        try policy.prepare(count: batch)
        var seed: UInt64 = 0
        let times = try durations(of: repetitions, caches: caches) {
            seed += 1
            let key = RandomKey(seed: seed)
            _ = try policy.predict(
                observations: observations, images: images, keys: (0..<batch).map { key.folding($0) })
        }
        let steps = denoisingSteps(of: policy)
        let timing = Timing(times)
        return Measurement(
            work: .chunk, parameters: model.table.parameterCount, batch: batch, denoisingSteps: steps,
            isCold: caches != nil, milliseconds: timing,
            details: ["ms_per_step": timing.median / Double(steps)])
    }

    /// Measures rollouts in Push-T in lockstep, with graphs compiled beforehand.
    func evaluation(environments: Int, _ sampler: SamplerOptions, repetitions: Int) throws -> Measurement {
        try PushTTask.check(model.configuration)
        let policy = try policy(sampler)
        // Batches shrink as rollouts end.
        var count = 1
        while count < 2 * environments {
            try policy.prepare(count: min(count, environments))
            count *= 2
        }
        let evaluator = try PushTTask.evaluator(
            EvaluationConfiguration(episodes: environments, firstSeed: 0, batch: environments), of: model.configuration)
        var controlSteps = 0
        let times = try durations(of: repetitions, warmUp: 0, caches: nil) {
            controlSteps += try evaluator.evaluate(policy).episodes.map(\.steps).reduce(0, +)
        }
        return Measurement(
            work: .evaluation, parameters: model.table.parameterCount, batch: environments,
            denoisingSteps: denoisingSteps(of: policy),
            milliseconds: Timing(times),
            details: ["control_steps_per_second": Double(controlSteps) / (times.reduce(.zero, +) / .seconds(1))])
    }

    /// Returns the policy with the requested sampler, or its own.
    private func policy(_ sampler: SamplerOptions) throws -> DiffusionPolicy {
        try DiffusionPolicy(
            model, parameters: parameters, normalizer: normalizer, sampler: sampler.choice(for: model.configuration),
            backend: machine)
    }

    /// Returns random images for each camera.
    private func cameraImages(batch: Int) -> [String: [RGBImage]] {
        let key = RandomKey(seed: 0)
        return Dictionary(
            uniqueKeysWithValues: model.configuration.observations.images.map { camera in
                let size = camera.size ?? ImageSize(height: 0, width: 0)
                let images = (0..<batch * model.configuration.horizon.observation).map { image in
                    RGBImage(
                        width: size.width, height: size.height,
                        pixels: (0..<size.count).map { UInt8(truncatingIfNeeded: key.folding(image).bits(at: $0)) })
                }
                return (camera.name, images)
            })
    }

    private func denoisingSteps(of policy: DiffusionPolicy) -> Int {
        policy.sampler.steps ?? model.configuration.diffusion.steps
    }

    private func durations(
        of repetitions: Int, warmUp: Int = Self.warmUp, caches: ColdCaches?, _ body: () throws -> Void
    ) throws -> [Duration] {
        let clock = ContinuousClock()
        return try (0..<repetitions + warmUp).map { _ in
            caches?.empty()
            return try clock.measure(body)
        }.suffix(repetitions)
    }
}
