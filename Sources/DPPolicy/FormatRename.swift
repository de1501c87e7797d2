/// A key that had another name in version 1 of policy documents and recipes.
package struct FormatRename: Sendable {
    /// The keys that lead to it, its old name last; `*` stands for every item of a list.
    package let path: [String]
    /// Its current name.
    package let name: String

    /// Creates a renaming of the key at the end of a path.
    package init(_ path: [String], _ name: String) {
        self.path = path
        self.name = name
    }

    /// The renamed keys of a policy's configuration.
    ///
    /// Each path has the current names of the keys before it.
    package static let policy = [
        FormatRename(["normalisation"], "normalization"),
        FormatRename(["normalization", "fields"], "features"),
        FormatRename(["observations", "fields"], "features"),
        FormatRename(["observations", "features", "*", "columns"], "slice"),
        FormatRename(["observations", "features", "*", "width"], "size"),
        FormatRename(["action", "field"], "feature"),
        FormatRename(["denoiser", "conditions_scale"], "cond_predict_scale"),
    ]
}

extension FormatRename {
    /// Returns a JSON object, as `JSONSerialization` reads it, with the key renamed.
    func applied(to object: Any) -> Any { Self.rename(path[...], to: name, in: object) }

    private static func rename(_ path: ArraySlice<String>, to name: String, in value: Any) -> Any {
        guard let key = path.first else { return value }
        let rest = path.dropFirst()
        if key == "*", let items = value as? [Any] { return items.map { rename(rest, to: name, in: $0) } }
        guard var object = value as? [String: Any], let old = object[key] else { return value }
        if rest.isEmpty {
            object[key] = nil
            object[name] = old
        } else {
            object[key] = rename(rest, to: name, in: old)
        }
        return object
    }
}
