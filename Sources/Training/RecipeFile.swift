public import Foundation
import NoiseSchedules
import PolicyInterface
import TensorFiles

/// Recipes as YAML: files of the user, and those that ship inside of this library.
public enum RecipeFile {
    /// The recipes that ship with the project, by name; `Recipes/NAME.yaml` in its sources.
    public static let shipped: [String: String] = [
        "another-robot": String(decoding: PackageResources.another_robot_yaml, as: UTF8.self),
        "another-robot-cameras": String(decoding: PackageResources.another_robot_cameras_yaml, as: UTF8.self),
        "pusht-demo": String(decoding: PackageResources.pusht_demo_yaml, as: UTF8.self),
        "pusht-image-cnn": String(decoding: PackageResources.pusht_image_cnn_yaml, as: UTF8.self),
        "pusht-image-cnn-paper": String(decoding: PackageResources.pusht_image_cnn_paper_yaml, as: UTF8.self),
        "pusht-image-transformer": String(decoding: PackageResources.pusht_image_transformer_yaml, as: UTF8.self),
        "pusht-lowdim": String(decoding: PackageResources.pusht_lowdim_yaml, as: UTF8.self),
        "pusht-lowdim-transformer": String(decoding: PackageResources.pusht_lowdim_transformer_yaml, as: UTF8.self),
    ]

    /// Reads a recipe by the name of a shipped one, or by the path of a file.
    ///
    /// A path has a `/` or ends in `.yaml` or `.yml`; anything else is a name.
    /// - Parameters:
    ///   - nameOrPath: such as `pusht-lowdim` or `recipes/mine.yaml`.
    ///   - overrides: values that replace the file's, each as `training.batch_size=64`; the value is read as YAML.
    /// - Throws: `RecipeError`, which suggests the nearest name or key.
    public static func read(_ nameOrPath: String, overrides: [String] = []) throws -> Recipe {
        if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") {
            return try read(contentsOf: URL(fileURLWithPath: nameOrPath), overrides: overrides)
        }
        guard let text = shipped[nameOrPath] else {
            let names = shipped.keys.sorted()
            let suggestion = nearest(to: nameOrPath, among: names).map { "did you mean \($0)? " } ?? ""
            throw RecipeError(
                place: "recipe", key: nil, expected: "one of \(names.joined(separator: ", ")), or the path of a file",
                found: "\"\(nameOrPath)\"", hint: suggestion + "a path has a / or ends in .yaml")
        }
        return try read(text, place: "\(nameOrPath).yaml", overrides: overrides)
    }

    /// Reads a recipe from a file; see `read(_:overrides:)` and `read(_:place:overrides:isStored:)`.
    /// - Throws: `RecipeError`, or `FileSystemError` when the file is there but cannot be read.
    public static func read(contentsOf url: URL, overrides: [String] = [], isStored: Bool = false) throws -> Recipe {
        func failure(_ found: String, hint: String? = nil) -> RecipeError {
            RecipeError(
                place: url.path, key: nil, expected: "a recipe: text of at most \(RecipeTree.largestText) bytes",
                found: found, hint: hint)
        }
        guard FileManager.default.fileExists(atPath: url.path) else {
            let names = shipped.keys.sorted().joined(separator: ", ")
            throw failure("no such file", hint: "recipes that ship: \(names)")
        }
        let data: Data
        do { data = try readFile(at: url, limit: RecipeTree.largestText) } catch let error as TensorFileError {
            throw failure(error.found)
        }
        guard let text = String(data: data, encoding: .utf8) else { throw failure("bytes that are no text in UTF-8") }
        return try read(text, place: url.path, overrides: overrides, isStored: isStored)
    }

    /// Reads a recipe from its text.
    /// - Parameters:
    ///   - text: the YAML.
    ///   - place: what errors call it.
    ///   - overrides: see `read(_:overrides:)`.
    ///   - isStored: whether a run wrote it. A field that was added since then has the value of the version that wrote the recipe, and not
    ///     the default of new recipes.
    /// - Throws: `RecipeError`.
    public static func read(
        _ text: String, place: String, overrides: [String] = [], isStored: Bool = false
    ) throws -> Recipe {
        var tree = try RecipeTree(yaml: text, place: place)
        for override in overrides { try apply(override, to: &tree) }
        if !isStored {
            try tree.addDefault(Sampler.Spacing.trailing.rawValue, for: "spacing", in: ["policy", "sampler"])
        }
        let recipe = try RecipeDecoder.decode(Recipe.self, from: tree)
        do { try recipe.validate() } catch { throw refusal(error, in: tree) }
        return recipe
    }

    /// The text of a recipe with every field, read by `read(_:place:overrides:)` as the same recipe.
    /// - Throws: when a text in it cannot be written as YAML.
    public static func text(of recipe: Recipe) throws -> String { try RecipeEncoder.encode(recipe).yaml() }

    /// Writes a recipe with every field to a file.
    /// - Throws: `FileSystemError`.
    public static func write(_ recipe: Recipe, to url: URL) throws {
        try AtomicFile.write(Data(try text(of: recipe).utf8), to: url)
    }

    /// What distinguishes two recipes: `training.steps: 8000 before, 9000 now`, one item a field.
    ///
    /// A task that was not named before is none: it changes no number.
    static func differences(before: Recipe, now: Recipe) throws -> [String] {
        var before = before
        before.task = before.task ?? now.task
        return try RecipeEncoder.encode(before).differences(from: RecipeEncoder.encode(now))
            .map { "\($0.key): \($0.here) before, \($0.there) now" }
    }

    /// Mappings whose keys are names of fields or parameters, which may have dots themselves.
    private static let namedByUsers = ["policy.normalisation.fields", "training.learning_rate_factors"]

    private static func apply(_ override: String, to tree: inout RecipeTree) throws {
        let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let named = namedByUsers.first { parts[0].hasPrefix("\($0).") }
        let path =
            (named ?? parts[0]).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            + (named.map { [String(parts[0].dropFirst($0.count + 1))] } ?? [])
        guard parts.count == 2, !path.contains(""), parts[1].contains(where: { !$0.isWhitespace }) else {
            throw RecipeError(
                place: "--set", key: nil, expected: "key=value, such as training.batch_size=64",
                found: "\"\(override)\"",
                hint: "no value is written null, no text ''")
        }
        let value = try RecipeTree(yaml: parts[1], place: "--set \(parts[0])", countsLines: false)
        try tree.set(path[...], to: value, key: parts[0])
    }

    /// The refusal of a value by a type's own check, with the line of the value.
    private static func refusal(_ error: any Error, in tree: RecipeTree) -> any Error {
        guard let setting = error as? InvalidSetting else {
            return RecipeError(place: tree.place, key: nil, expected: "values that work together", found: "\(error)")
        }
        var place = tree
        for key in setting.key.split(separator: ".") {
            guard let next = place[String(key)] else { break }
            place = next
        }
        return RecipeError(place: place.place, key: setting.key, expected: setting.expected, found: setting.found)
    }
}
