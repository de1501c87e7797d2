import ArgumentParser
import Demonstrations
import Foundation
import NeuralNetworks
import Policies
import PolicyInterface
import TensorGraph
import Training

/// Whose work is measured: a recipe's, with random weights, or a policy's own.
struct BenchmarkSubject: ParsableArguments {
    @Option(help: ArgumentHelp("The network: a recipe's name or file.", valueName: "name|file"))
    var recipe = "pusht-lowdim"

    @Option(name: .customLong("set"), help: ArgumentHelp("Replace a field of the recipe.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("Make the recipe's network n times as wide.", valueName: "n"))
    var widen: Int?

    @Option(help: ArgumentHelp("The demonstrations: a zarr v2 folder or .zarr.zip.", valueName: "path"))
    var data: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Make so many windows out of the demonstrations, by shifting them a little.", valueName: "n")
    )
    var windows: Int?

    @Option(help: ArgumentHelp("Act with this policy instead, without a recipe and data.", valueName: "dir"))
    var policy: String?

    func validate() throws {
        guard policy != nil || data != nil else {
            throw ValidationError("--data: expected demonstrations for the recipe, or a --policy; found neither")
        }
        if let widen {
            guard policy == nil else {
                throw ValidationError("--widen: expected a recipe, whose network can be wider; found a --policy")
            }
            guard (1...16).contains(widen) else { throw ValidationError("--widen: expected 1...16, found \(widen)") }
        }
        if let windows, !(1...10_000_000).contains(windows) {
            throw ValidationError("--windows: expected 1...10000000, found \(windows)")
        }
    }

    /// What is measured, in a word or a path.
    var name: String {
        policy ?? ([recipe] + overrides + (widen.map { ["\($0) times as wide"] } ?? [])).joined(separator: " ")
    }

    /// The recipe, its fields resolved, with its demonstrations.
    /// - Throws: `CommandError` when there is only a policy, which does not tell how it is trained.
    func trainee() throws -> (recipe: Recipe, demonstrations: ReplayBuffer) {
        guard let data else {
            throw CommandError(place: "--data", expected: "demonstrations to train on", found: "none")
        }
        var recipe = try RecipeFile.read(recipe, overrides: overrides)
        recipe.policy.denoiser = recipe.policy.denoiser.widened(by: widen ?? 1)
        var demonstrations = try PushTTask.recording(
            at: URL(fileURLWithPath: data), for: recipe.policy, task: recipe.task)
        if let windows { demonstrations = try demonstrations.multiplied(to: windows, horizon: recipe.policy.horizon) }
        demonstrations = try PushTTask.drawingImages(for: recipe.policy, in: demonstrations)
        return (try recipe.resolved(for: demonstrations), demonstrations)
    }

    /// Whether there are images to encode.
    func seesImages() throws -> Bool {
        let configuration =
            try policy.map { try PolicyDirectory(NamedPolicy(at: $0).url).document().configuration }
            ?? RecipeFile.read(recipe, overrides: overrides).policy
        return !configuration.observations.images.isEmpty
    }

    /// The policy, or one of the recipe with random weights.
    func actor() throws -> StoredPolicy {
        if let policy { return try PolicyDirectory(NamedPolicy(at: policy).url).read() }
        let (recipe, demonstrations) = try trainee()
        let configuration = recipe.policy
        return StoredPolicy(
            configuration: configuration,
            normaliser: try Normaliser(
                for: configuration, observation: demonstrations.statistics(of: configuration.observations),
                action: demonstrations.statistics(of: configuration.action.field)),
            weights: try DiffusionModel(configuration).randomWeights)
    }
}

extension ReplayBuffer {
    /// As many windows as wanted: these frames again and again, their numbers each time a little larger, in episodes of up to a thousand frames.
    fileprivate func multiplied(to windows: Int, horizon: Horizon) throws -> ReplayBuffer {
        // An episode of n frames has n + padding windows.
        let padding = horizon.observation - 1 + horizon.action - 1 - (horizon.prediction - 1)
        var ends: [Int] = []
        var rest = windows
        while rest > 0 {
            let length = max(1, min(1000, rest - padding))
            ends.append((ends.last ?? 0) + length)
            rest -= max(1, length + padding)
        }
        let frames = ends[ends.count - 1]
        let fields = fields.values.map { field in
            let values = (0..<frames * field.width).map { index in
                let (round, place) = index.quotientAndRemainder(dividingBy: field.values.count)
                return field.values[place] + 1e-3 * Float(round)
            }
            return Field(field.name, shape: field.shape, values: values, origin: field.origin)
        }
        let images = images.values.map { camera in
            let count = camera.pixels.count
            return RecordedImages(
                camera.name, size: camera.size,
                pixels: (0..<frames * camera.size.count).map { camera.pixels[$0 % count] })
        }
        return try ReplayBuffer(fields: fields, images: images, episodeEnds: ends)
    }
}

extension DiffusionModel {
    /// Weights as they are before training.
    var randomWeights: [Float] { table.initialValues(key: RandomKey(seed: 0)) }
}
