import ArgumentParser
import DPBase
import DPDatasets
import DPGraph
import DPInterface
import DPNetworks
import DPPolicy
import DPTraining
import Foundation

/// The network to measure: that of a recipe, with random weights, or that of a policy.
struct BenchmarkSubject: ParsableArguments {
    @Option(help: ArgumentHelp("Recipe of the network: a name or a file.", valueName: "name|file"))
    var recipe = "pusht-lowdim"

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a setting of the recipe.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("Make the recipe's network n times as wide.", valueName: "n"))
    var widen: Int?

    @Option(help: ArgumentHelp("Dataset: a zarr v2 folder or .zarr.zip.", valueName: "path"))
    var data: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Repeat the dataset, with slightly larger numbers each time, until it has this many windows.",
            valueName: "n")
    )
    var windows: Int?

    @Option(help: ArgumentHelp("Measure this policy instead of a recipe with data.", valueName: "dir"))
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

    /// The name of the subject.
    var name: String {
        policy ?? ([recipe] + overrides + (widen.map { ["\($0) times as wide"] } ?? [])).joined(separator: " ")
    }

    /// Returns the resolved recipe and its demonstrations.
    /// - Throws: `InputError` when only a policy is given, which contains no recipe.
    func trainingInput() throws -> (recipe: Recipe, demonstrations: InMemoryDataset) {
        guard let data else {
            throw InputError(at: "--data", expected: "demonstrations to train on", found: "none")
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
    func hasImages() throws -> Bool {
        let configuration =
            try policy.map { try PolicyDirectory(NamedPolicy(at: $0).url).document().configuration }
            ?? RecipeFile.read(recipe, overrides: overrides).policy
        return !configuration.observations.images.isEmpty
    }

    /// Returns the policy, or one of the recipe with random weights.
    func storedPolicy() throws -> StoredPolicy {
        if let policy { return try PolicyDirectory(NamedPolicy(at: policy).url).read() }
        let (recipe, demonstrations) = try trainingInput()
        let configuration = recipe.policy
        return StoredPolicy(
            configuration: configuration,
            normalizer: try Normalizer(
                for: configuration, observation: demonstrations.statistics(of: configuration.observations),
                action: demonstrations.statistics(of: configuration.action.feature)),
            weights: try DiffusionModel(configuration).randomWeights)
    }
}

extension InMemoryDataset {
    /// Returns a dataset with `windows` windows: these frames repeated, with slightly larger numbers in each
    /// repetition, in episodes of up to a thousand frames.
    fileprivate func multiplied(to windows: Int, horizon: Horizon) throws -> InMemoryDataset {
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
        let features = features.values.map { feature in
            let values = (0..<frames * feature.size).map { index in
                let (round, place) = index.quotientAndRemainder(dividingBy: feature.values.count)
                return feature.values[place] + 1e-3 * Float(round)
            }
            return Feature(feature.name, shape: feature.shape, values: values, origin: feature.origin)
        }
        let images = images.values.map { camera in
            let count = camera.pixels.count
            return RecordedImages(
                camera.name, size: camera.size,
                pixels: (0..<frames * camera.size.count).map { camera.pixels[$0 % count] })
        }
        return try InMemoryDataset(features: features, images: images, episodeEnds: ends)
    }
}

extension DiffusionModel {
    /// The initial weights of a training run.
    var randomWeights: [Float] { table.initialValues(key: RandomKey(seed: 0)) }
}
