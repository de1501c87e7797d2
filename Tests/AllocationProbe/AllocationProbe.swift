import CAllocationProbe
import DPBase
import DPCPU
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy
import DPTraining
import Foundation

/// Counts the allocations of training steps and denoising passes after warm-up, and prints them as JSON.
///
/// Arguments: `joints` or `camera`, the observations of the policy; `transformer`, to denoise with one instead of a
/// U-Net; the number of threads; the number of passes over which the process must not grow.
@main struct AllocationProbe {
    /// The measurements.
    private struct Report: Encodable {
        var trainingSteps: Work
        var passes: Work
        /// Actions of a controller within a chunk.
        var actions: Work
        /// Own allocations for a chunk, by its number of denoising steps.
        var chunks: [String: Int]
        /// The same for chunks with a warm start, with half of the steps.
        var warmChunks: [String: Int]
        var growth: Growth

        enum CodingKeys: String, CodingKey {
            case trainingSteps = "training_steps"
            case passes
            case actions
            case chunks
            case warmChunks = "warm_chunks"
            case growth
        }
    }

    /// Allocations of repeated work.
    private struct Work: Encodable {
        let repetitions: Int
        /// By the program's own code, in all repetitions together.
        let own: Int
        /// By the libraries that compute, per repetition: minimum and maximum.
        let library: [Int]

        /// Counts while `body` runs repeatedly, and prints the origins of own allocations unless they are expected.
        init(repetitions: Int, expectsOwn: Bool = false, _ body: () throws -> Void) rethrows {
            var library = [Int](repeating: 0, count: repetitions)
            var before = 0
            probe_start()
            for index in library.indices {
                try body()
                let counts = probe_read()
                library[index] = Int(counts.library) - before
                before = Int(counts.library)
            }
            let counts = probe_stop()
            if !expectsOwn { probe_print_origins() }
            self.repetitions = repetitions
            own = Int(counts.own)
            self.library = [library.min() ?? 0, library.max() ?? 0]
        }
    }

    /// The peak memory of the process.
    private struct Growth: Encodable {
        let passes: Int
        /// After a tenth of the passes and after all of them.
        let kibibytes: [Int]
    }

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap { Int($0) }
        let machine = CPUBackend(threads: numbers.first ?? 1)
        let trainer = try Trainer(
            recipe: recipe(sees: arguments.contains("camera"), attends: arguments.contains("transformer")),
            demonstrations: demonstrations(), backend: machine)
        let report = Report(
            trainingSteps: try trainingSteps(trainer), passes: try passes(trainer, on: machine),
            actions: try actions(), chunks: try chunks(trainer), warmChunks: try chunks(trainer, startsWarm: true),
            growth: try growth(trainer, passes: numbers.dropFirst().first ?? 100_000))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    // MARK: - Work

    /// Assembles batches and runs training steps over several epochs.
    private static func trainingSteps(_ trainer: Trainer) throws -> Work {
        let (warmUp, counted) = (20, 100)
        var batches = trainer.batches(count: warmUp + counted).makeIterator()
        func step() throws {
            guard let batch = batches.next() else { return }
            _ = try trainer.step(batch)
        }
        for _ in 0..<warmUp { try step() }
        return try Work(repetitions: counted, step)
    }

    /// Runs denoising steps of a compiled sampler.
    private static func passes(_ trainer: Trainer, on machine: CPUBackend) throws -> Work {
        let model = trainer.model
        let parameters = try machine.makeBuffer(count: model.table.count)
        parameters.write(trainer.weights)
        let step = try machine.compile(
            model.stepGraph(batch: 1, sampler: .ddim(steps: 10)), parameters: parameters, gradients: nil)
        let horizon = model.configuration.horizon
        var sample = [Float](repeating: 0.5, count: horizon.prediction * model.sampleDimension)
        var position: [Float] = [0]
        let observation = [Float](repeating: 0.5, count: horizon.observation * model.observationDimension)
        func pass() throws {
            step.write("sample", sample)
            step.write("step", position)
            try step.run(.iteration)
            sample.withUnsafeMutableBufferPointer { step.read("previous", into: $0) }
            position[0] = position[0] < 9 ? position[0] + 1 : 0
        }
        let image = [Float](repeating: 0.5, count: horizon.observation * seen.count)
        return try machine.perform {
            step.write("observation", observation)
            if model.configuration.imageEncoder != nil { step.write("image.camera", image) }
            try step.run(.conditioning)
            for _ in 0..<10 { try pass() }
            return try Work(repetitions: 100, pass)
        }
    }

    /// Runs control steps of a receding-horizon and an asynchronous controller between two requests.
    private static func actions() throws -> Work {
        let policy = Resting()
        var receding = RecedingHorizonController(policy, seed: 0)
        var asynchronous = AsynchronousController(horizon: policy.horizon, key: RandomKey(seed: 0))
        let observation = RobotObservation(vectors: ["joints": [0, 0, 0]])
        var time = 0
        func step() throws {
            _ = try receding.action(for: observation)
            if let request = asynchronous.observe(observation, at: time) {
                asynchronous.accept(policy.predictActionChunks(for: [request])[0])
            }
            _ = asynchronous.action(at: time)
            time += 1
        }
        for _ in 0..<10 { try step() }
        return try Work(repetitions: 100, step)
    }

    /// A policy that holds its position for many control steps.
    private final class Resting: ChunkingPolicy {
        let horizon = Horizon(observation: 2, prediction: 201, action: 200)

        func predictActionChunks(for requests: [ChunkRequest]) -> [ActionChunk] {
            requests.map { _ in
                ActionChunk(
                    prediction: Array(repeating: [0, 0, 0], count: horizon.prediction), executed: horizon.executed)
            }
        }
    }

    /// Counts the allocations of whole chunks with few and many denoising steps, which must not depend on the
    /// steps.
    private static func chunks(_ trainer: Trainer, startsWarm: Bool = false) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for sampler in [Sampler.ddpm(steps: 5), .ddpm(steps: 50)] {
            let predict = try prediction(trainer, sampler, startsWarm: startsWarm)
            for _ in 0..<3 { try predict() }
            counts["\(sampler.steps ?? 0)"] = try Work(repetitions: 1, expectsOwn: true, predict).own
        }
        return counts
    }

    private static func growth(_ trainer: Trainer, passes: Int) throws -> Growth {
        let predict = try prediction(trainer, .ddim(steps: 100))
        // For this process only; `getrusage` also counts its parent's memory before it started.
        func peak() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
        for _ in 0..<passes / 1000 { try predict() }
        let early = try peak()
        for _ in 0..<passes / 100 - passes / 1000 { try predict() }
        return Growth(passes: passes, kibibytes: [early, try peak()])
    }

    private static func prediction(
        _ trainer: Trainer, _ sampler: Sampler, startsWarm: Bool = false
    ) throws -> () throws -> Void {
        let policy = try trainer.policy(sampler: sampler)
        let count = policy.horizon.observation * policy.model.observationDimension
        let observations = [Float](repeating: 0.5, count: count)
        let picture = RGBImage(width: size.width, height: size.height, filledWith: (20, 120, 220))
        let images = policy.configuration.observations.images.map { camera in
            (camera.name, Array(repeating: picture, count: policy.horizon.observation))
        }
        let named = Dictionary(uniqueKeysWithValues: images)
        let keys = [RandomKey(seed: 1)]
        let action = [Float](repeating: 0.5, count: policy.configuration.action.dimension)
        let actions = Array(repeating: action, count: policy.horizon.prediction)
        let starts: [WarmStart?] = startsWarm ? [WarmStart(actions: actions, strength: 0.5)] : []
        return { _ = try policy.predict(observations: observations, images: named, keys: keys, starts: starts) }
    }

    // MARK: - Fixtures

    /// Size of the camera's images, and of the crop that the network receives.
    private static let size = ImageSize(height: 36, width: 36)
    private static let seen = ImageSize(height: 33, width: 33)

    /// Returns the dataset of a synthetic robot with three joints and a camera.
    private static func demonstrations() throws -> InMemoryDataset {
        let frames = 6 * 20
        let numbers = (0..<frames * 3).map { Float(RandomKey(seed: 1).uniform(at: $0)) }
        let pixels = (0..<frames * size.count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        return try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("joints", shape: [3], values: numbers),
                InMemoryDataset.Feature("command", shape: [3], values: numbers.map { 1 - $0 }),
            ], images: [RecordedImages("camera", size: size, pixels: pixels)], episodeEnds: [20, 40, 60, 80, 100, 120])
    }

    /// Returns a recipe of a tiny denoiser that observes the joints and, if `sees`, the camera.
    private static func recipe(sees: Bool, attends: Bool) -> Recipe {
        var training = TrainingConfiguration()
        training.steps = 1000
        training.batchSize = sees ? 2 : 16
        return Recipe(
            name: "probe",
            policy: PolicyConfiguration(
                observations: ObservationSchema(
                    [FeatureSelection("joints")], images: sees ? [ImageSelection("camera", crop: seen)] : []),
                action: ActionConfiguration(feature: "command", dimension: 3),
                horizon: Horizon(observation: 2, prediction: 4, action: 2),
                denoiser: attends
                    ? .transformer(.init(layers: 2, heads: 2, width: 16, embeddingDropout: 0.1, attentionDropout: 0.1))
                    : .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8)),
                imageEncoder: sees ? ImageEncoderConfiguration(keypoints: 4) : nil),
            training: training)
    }
}
