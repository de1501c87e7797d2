import DPBase
import DPPolicy

extension RecipeTree {
    /// The version of recipes that this software writes.
    static let currentVersion = 2

    /// Replaces the keys of version 1 with the current ones, and removes the version.
    ///
    /// A recipe without a version may use either; no old name has another meaning now.
    /// - Parameter isStored: whether a run wrote the recipe; then settings that version 1 lacked get its behavior.
    /// - Throws: `InputError` for an unknown version.
    func upgraded(isStored: Bool) throws -> RecipeTree {
        var tree = self
        if let version = self["version"], case .mapping(let entries) = content {
            guard version.summary == "\(Self.currentVersion)" else {
                throw InputError(
                    at: version.place, key: "version", expected: "\(Self.currentVersion)", found: version.summary)
            }
            tree.content = .mapping(entries.filter { $0.key != "version" })
            return tree
        }
        if isStored, let sampler = tree["policy"]?["sampler"], sampler["steps"]?.isNull == false {
            try tree.addDefault(Sampler.Spacing.leading.rawValue, for: "spacing", in: ["policy", "sampler"])
        }
        for rename in FormatRename.policy { tree.rename(["policy"] + rename.path, to: rename.name) }
        for rename in FormatRename.training { tree.rename(["training"] + rename.path, to: rename.name) }
        return tree
    }

    private mutating func rename(_ path: [String], to name: String) {
        guard let key = path.first else { return }
        switch content {
        case .scalar: return
        case .sequence(var items):
            guard key == "*" else { return }
            for index in items.indices { items[index].rename(Array(path.dropFirst()), to: name) }
            content = .sequence(items)
        case .mapping(var entries):
            guard let index = entries.firstIndex(where: { $0.key == key }) else { return }
            if path.count > 1 {
                entries[index].value.rename(Array(path.dropFirst()), to: name)
            } else if !entries.contains(where: { $0.key == name }) {
                entries[index].key = name
            }
            content = .mapping(entries)
        }
    }
}

extension FormatRename {
    /// The settings of a training run that had other names in version 1.
    fileprivate static let training = [
        FormatRename(["accumulation"], "gradient_accumulation_steps"),
        FormatRename(["moving_average"], "ema"),
        FormatRename(["maximum_episodes"], "max_train_episodes"),
        FormatRename(["learning_rate_factors"], "learning_rate_multipliers"),
    ]
}
