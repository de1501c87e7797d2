import DPBase
import DPInterface
import DPPolicy

/// The defaults of all settings; a recipe file is a patch over them.
struct RecipeDefaults {
    /// Every setting with its default.
    private let settings: RecipeTree
    /// The settings of each choice that is made by name, by the path of the choice and by name.
    private let choices: [String: [String: RecipeTree]]
    /// The settings of values that are absent by default, and of the items of lists, by path.
    private let templates: [String: RecipeTree]

    /// The mappings whose keys are names of features or parameters, which may contain dots.
    static let userKeyed = ["policy.normalization.features", "training.learning_rate_multipliers"]

    init() throws {
        settings = try RecipeEncoder.encode(
            Recipe(
                name: "",
                policy: PolicyConfiguration(observations: ObservationSchema(), action: ActionConfiguration())))
        choices = [
            "policy.denoiser": try Self.byName(DenoiserConfiguration.choices),
            "policy.sampler": try Self.byName(Sampler.choices),
            "policy.diffusion.betas": try Self.byName(BetaSchedule.choices),
            "training.learning_rate_schedule": try Self.byName(LearningRateSchedule.choices),
        ]
        templates = [
            "policy.image_encoder": try RecipeEncoder.encode(ImageEncoderConfiguration()),
            "policy.action.limits": try RecipeEncoder.encode(ActionConfiguration.Limits(lower: [], upper: [])),
            "policy.observations.features.*": try RecipeEncoder.encode(FeatureSelection("")),
            "policy.observations.images.*": try RecipeEncoder.encode(ImageSelection("")),
            "training.rollouts": try RecipeEncoder.encode(RolloutConfiguration()),
            "training.color_jitter": try RecipeEncoder.encode(ColorJitter()),
        ]
    }

    private static func byName(_ values: [some Encodable]) throws -> [String: RecipeTree] {
        let trees = try values.map { try RecipeEncoder.encode($0) }
        return Dictionary(uniqueKeysWithValues: trees.map { (($0["name"] ?? $0).summary, $0) })
    }

    /// Returns the recipe that a file describes, with the defaults of the settings that it omits.
    /// - Throws: `InputError` for a key that does not exist, with the nearest one.
    func patched(with file: RecipeTree) throws -> RecipeTree { try patch(settings, with: file, at: "") }

    private func patch(_ defaults: RecipeTree, with patch: RecipeTree, at path: String) throws -> RecipeTree {
        if Self.userKeyed.contains(path) { return patch }
        if let named = choices[path]?[(patch["name"] ?? patch).summary] {
            return try merge(named, with: patch, at: path)
        }
        if case .sequence(let items) = patch.content, let template = templates["\(path).*"] {
            let merged = try items.enumerated().map { try merge(template, with: $1, at: join(path, "\($0)")) }
            return RecipeTree(.sequence(merged), place: patch.place)
        }
        return try merge(defaults.isNull ? templates[path] ?? defaults : defaults, with: patch, at: path)
    }

    /// Lays a mapping over a mapping; anything else replaces the default, except that the name of a choice selects it.
    private func merge(_ defaults: RecipeTree, with patch: RecipeTree, at path: String) throws -> RecipeTree {
        guard case .mapping(let entries) = defaults.content else { return patch }
        guard case .mapping(let changes) = patch.content else {
            return patch.summary == defaults["name"]?.summary ? defaults.moved(to: patch.place) : patch
        }
        let keys = entries.map(\.key)
        if let change = changes.first(where: { !keys.contains($0.key) }) {
            throw unknown(change, among: keys, at: path)
        }
        let merged = try entries.map { entry in
            let change = changes.last { $0.key == entry.key }
            let value =
                try change.map { try self.patch(entry.value, with: $0.value, at: join(path, entry.key)) }
                ?? entry.value.moved(to: patch.place)
            return RecipeTree.Entry(key: entry.key, value: value)
        }
        return RecipeTree(.mapping(merged), place: patch.place)
    }

    /// Returns the error for an unknown key, with the nearest known key: in the same mapping, or a very similar one
    /// elsewhere.
    private func unknown(_ entry: RecipeTree.Entry, among keys: [String], at path: String) -> InputError {
        func parent(of path: String) -> String { path.split(separator: ".").dropLast().joined(separator: ".") }
        let others = settings.keyPaths(under: "") + templates.flatMap { $1.keyPaths(under: $0) }
        let paths = keys.map { join(path, $0) } + others.filter { parent(of: $0) != path }
        func cost(_ candidate: String) -> Int {
            let name = candidate.split(separator: ".").last.map(String.init) ?? ""
            return editDistance(entry.key, name) + (parent(of: candidate) == path ? 0 : 2)
        }
        let suggestion = Set(paths).sorted().min { cost($0) < cost($1) }
        return InputError(
            at: entry.value.place, key: join(path, entry.key), expected: "a known key",
            found: "\"\(entry.key)\"", hint: suggestion.map { "did you mean \($0)?" })
    }
}

extension RecipeTree {
    /// Returns the same values with another location for errors.
    fileprivate func moved(to place: String) -> RecipeTree {
        switch content {
        case .scalar: RecipeTree(content, place: place)
        case .sequence(let items): RecipeTree(.sequence(items.map { $0.moved(to: place) }), place: place)
        case .mapping(let entries):
            RecipeTree(.mapping(entries.map { Entry(key: $0.key, value: $0.value.moved(to: place)) }), place: place)
        }
    }

    /// Returns the paths of all keys.
    fileprivate func keyPaths(under path: String) -> [String] {
        guard case .mapping(let entries) = content else { return [] }
        return entries.flatMap { [join(path, $0.key)] + $0.value.keyPaths(under: join(path, $0.key)) }
    }
}
