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
        if let windows, !(1...10_000_000).contains(windows) {
            throw ValidationError("--windows: expected 1...10000000, found \(windows)")
        }
    }

    /// What is measured, in a word or a path.
    var name: String { policy ?? ([recipe] + overrides).joined(separator: " ") }

    /// The recipe with its demonstrations.
    /// - Throws: `CommandError` when there is only a policy, which does not tell how it is trained.
    func trainee() throws -> (recipe: Recipe, demonstrations: ReplayBuffer) {
        guard let data else {
            throw CommandError(place: "--data", expected: "demonstrations to train on", found: "none")
        }
        let recipe = try RecipeFile.read(recipe, overrides: overrides)
        let demonstrations = try ReplayBuffer(contentsOf: URL(fileURLWithPath: data))
        guard let windows else { return (recipe, demonstrations) }
        return (recipe, try demonstrations.multiplied(to: windows, horizon: recipe.policy.horizon))
    }

    /// The policy, or one of the recipe with random weights.
    func actor() throws -> StoredPolicy {
        if let policy { return try PolicyDirectory(NamedPolicy(at: policy).url).read() }
        let (recipe, demonstrations) = try trainee()
        let configuration = try recipe.resolved(for: demonstrations).policy
        return StoredPolicy(
            configuration: configuration,
            normaliser: try Normaliser(
                for: configuration, observation: demonstrations.statistics(of: configuration.observations),
                action: demonstrations.statistics(of: configuration.action.field)),
            weights: try DiffusionModel(configuration).table.initialValues(key: RandomKey(seed: 0)))
    }
}

extension ReplayBuffer {
    /// As many windows as wanted, or a few more: the episodes again and again, each time with all numbers a little larger.
    fileprivate func multiplied(to windows: Int, horizon: Horizon) throws -> ReplayBuffer {
        // What padding adds at both ends of an episode, and what the last window takes.
        let difference = horizon.observation - 1 + horizon.action - 1 - horizon.prediction + 1
        var ends: [Int] = []
        var made = 0
        while made < windows {
            let length = min(
                episodes[ends.count % episodes.count].count, max(1, windows - made - difference))
            ends.append((ends.last ?? 0) + length)
            made += max(0, length + difference)
        }
        let frames = ends[ends.count - 1]
        let fields = fields.values.map { field in
            let values = (0..<frames * field.width).map { index in
                field.values[index % field.values.count] + 1e-3 * Float(index / field.values.count)
            }
            return Field(field.name, shape: field.shape, values: values)
        }
        return try ReplayBuffer(fields: fields, episodeEnds: ends)
    }
}
