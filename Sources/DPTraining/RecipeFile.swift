import DPBase
import DPDatasets
import DPPolicy
package import Foundation

/// Recipes as YAML: the user's files, and those that ship inside this library.
///
/// ```swift
/// let shipped = try RecipeFile.read("pusht-lowdim")
/// let mine = try RecipeFile.read(
///     "recipes/my-arm.yaml", overrides: ["training.batch_size=64", "policy.denoiser.widths=[128,256,512]"])
/// ```
public enum RecipeFile {
    /// The recipes that ship with the project, by name; `Recipes/NAME.yaml` in the sources.
    package static let shipped: [String: String] = [
        "custom-robot": String(decoding: PackageResources.custom_robot_yaml, as: UTF8.self),
        "custom-robot-cameras": String(decoding: PackageResources.custom_robot_cameras_yaml, as: UTF8.self),
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
    ///   - overrides: values that replace the file's, such as `training.batch_size=64`; each value is read as YAML.
    /// - Throws: `InputError` with the nearest name or key.
    public static func read(_ nameOrPath: String, overrides: [String] = []) throws -> Recipe {
        if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") {
            return try read(contentsOf: URL(fileURLWithPath: nameOrPath), overrides: overrides)
        }
        guard let text = shipped[nameOrPath] else {
            let names = shipped.keys.sorted()
            let suggestion = nearest(to: nameOrPath, among: names).map { "did you mean \($0)? " } ?? ""
            throw InputError(
                at: "recipe", expected: "one of \(names.joined(separator: ", ")), or the path of a file",
                found: "\"\(nameOrPath)\"", hint: suggestion + "a path has a / or ends in .yaml")
        }
        return try read(text, place: "\(nameOrPath).yaml", overrides: overrides)
    }

    /// Reads a recipe from a file; see `read(_:overrides:)` and `read(_:place:overrides:isStored:)`.
    /// - Throws: `InputError`, or `FileSystemError` when the file exists but cannot be read.
    package static func read(contentsOf url: URL, overrides: [String] = [], isStored: Bool = false) throws -> Recipe {
        func failure(_ found: String, hint: String? = nil) -> InputError {
            InputError(
                at: url.path, expected: "a recipe: text of at most \(RecipeTree.largestText) bytes",
                found: found, hint: hint)
        }
        guard FileManager.default.fileExists(atPath: url.path) else {
            let names = shipped.keys.sorted().joined(separator: ", ")
            throw failure("no such file", hint: "recipes that ship: \(names)")
        }
        let data: Data
        do { data = try readFile(at: url, limit: RecipeTree.largestText) } catch let error as InputError {
            throw failure(error.found)
        }
        guard let text = String(data: data, encoding: .utf8) else { throw failure("bytes that are not UTF-8 text") }
        return try read(text, place: url.path, overrides: overrides, isStored: isStored)
    }

    /// Reads a recipe from its text.
    /// - Parameters:
    ///   - text: the YAML.
    ///   - place: the location to use in errors.
    ///   - overrides: see `read(_:overrides:)`.
    ///   - isStored: whether a run wrote the recipe. A setting that was added since then gets the behavior of the
    ///     version that wrote the recipe, not the default of new recipes.
    /// - Throws: `InputError`.
    package static func read(
        _ text: String, place: String, overrides: [String] = [], isStored: Bool = false
    ) throws -> Recipe {
        var tree = try RecipeTree(yaml: text, place: place)
        for override in overrides { try apply(override, to: &tree) }
        tree = try RecipeDefaults().patched(with: tree.upgraded(isStored: isStored))
        let recipe = try RecipeDecoder.decode(Recipe.self, from: tree)
        do { try recipe.validate() } catch { throw refusal(error, in: tree) }
        return recipe
    }

    /// Returns the text of a recipe with every setting, which `read(_:place:overrides:)` reads as the same recipe.
    /// - Throws: an error when a text in it cannot be written as YAML.
    package static func text(of recipe: Recipe) throws -> String {
        let version = RecipeTree(.scalar("\(RecipeTree.currentVersion)", isQuoted: false), place: "recipe")
        guard case .mapping(let settings) = try RecipeEncoder.encode(recipe).content else { return "" }
        return try RecipeTree(.mapping([.init(key: "version", value: version)] + settings), place: "recipe").yaml()
    }

    /// Writes a recipe with every setting to a file.
    /// - Throws: `FileSystemError`.
    package static func write(_ recipe: Recipe, to url: URL) throws {
        try AtomicFile.write(Data(try text(of: recipe).utf8), to: url)
    }

    /// Returns the differences between two recipes, one per setting: `training.steps: 8000 before, 9000 now`.
    ///
    /// A task that was absent before is not a difference, because it does not affect training.
    static func differences(before: Recipe, now: Recipe) throws -> [String] {
        var before = before
        before.task = before.task ?? now.task
        return try RecipeEncoder.encode(before).differences(from: RecipeEncoder.encode(now))
            .map { "\($0.key): \($0.here) before, \($0.there) now" }
    }

    private static func apply(_ override: String, to tree: inout RecipeTree) throws {
        let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let named = RecipeDefaults.userKeyed.first { parts[0].hasPrefix("\($0).") }
        let path =
            (named ?? parts[0]).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            + (named.map { [String(parts[0].dropFirst($0.count + 1))] } ?? [])
        guard parts.count == 2, !path.contains(""), parts[1].contains(where: { !$0.isWhitespace }) else {
            throw InputError(
                at: "--set", expected: "key=value, such as training.batch_size=64",
                found: "\"\(override)\"",
                hint: "write null for no value, '' for an empty text")
        }
        let value = try RecipeTree(yaml: parts[1], place: "--set \(parts[0])", countsLines: false)
        try tree.set(path[...], to: value, key: parts[0])
    }

    /// Returns the error for a value that a type's own check rejects, with the line of the value.
    private static func refusal(_ error: any Error, in tree: RecipeTree) -> any Error {
        guard var error = error as? InputError, error.place == nil else { return error }
        var place = tree
        for key in (error.key ?? "").split(separator: ".") {
            guard let next = place[String(key)] else { break }
            place = next
        }
        error.place = place.place
        return error
    }
}
