import Foundation
import TestSupport
import Testing

/// The Swift examples in the comments of public types, in the reference articles and in README.md compile.
@Suite struct ExampleTests {
    /// The modules whose public types users see, alone or through `import DiffusionPolicyKit`.
    private static let modules = [
        "DPBase", "DPInterface", "DPPolicy", "DPDatasets", "DPTraining", "DPEvaluation", "DPPushT", "DPServing",
        "DiffusionPolicyKit",
    ]

    /// Values that an example may use without making them.
    private static let parameters = """
        policy: DiffusionPolicy, chunkingPolicy: any ChunkingPolicy, demonstrations: InMemoryDataset, recipe: Recipe, \
        trainer: Trainer, observation: RobotObservation, observations: [RobotObservation], result: EvaluationResult, \
        batch: Batch, pixels: [UInt8]
        """

    private struct Example {
        /// The file and the line of the example.
        let source: String
        let code: String

        /// The example as a file: its imports, then its declarations, or a function with its statements.
        var file: String {
            let lines = code.split(separator: "\n", omittingEmptySubsequences: false)
            let imports = ["DiffusionPolicyKit", "DPPushT", "DPServing"].map { "import \($0)" }
            let own = lines.filter { $0.hasPrefix("import ") }.map(String.init)
            let body = lines.filter { !$0.hasPrefix("import ") }
            let declares = body.contains { line in
                ["protocol ", "extension ", "@main", "public "].contains { line.hasPrefix($0) }
            }
            let text = body.joined(separator: "\n")
            let function = "private func example(\(ExampleTests.parameters)) async throws {\n\(text)\n}"
            return ((imports + own) + [declares ? text : function]).joined(separator: "\n")
        }
    }

    /// Returns the examples of a Markdown text or of the comments of a source file.
    private static func examples(in url: URL) throws -> [Example] {
        let isSource = url.pathExtension == "swift"
        let path = String(url.path.dropFirst(Project.folder.path.count + 1))
        var examples: [Example] = []
        var current: [String]?
        let text = try String(contentsOf: url, encoding: .utf8)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = String(line)
            if isSource {
                line = line.trimmingCharacters(in: .whitespaces)
                guard line.hasPrefix("///") else { continue }
                line = String(line.dropFirst(line.hasPrefix("/// ") ? 4 : 3))
            }
            if let lines = current, line.hasPrefix("```") {
                examples.append(
                    Example(source: "\(path):\(index + 1 - lines.count)", code: lines.joined(separator: "\n")))
                current = nil
            } else if current != nil {
                current?.append(line)
            } else if line == "```swift" {
                current = []
            }
        }
        return examples
    }

    private static func files(under folder: String, withExtension name: String) -> [URL] {
        let root = Project.folder.appendingPathComponent(folder)
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == name }
            .sorted { $0.path < $1.path }
    }

    /// The compiler's options for the modules of this build.
    private static func options() throws -> [String] {
        func contents(_ folder: URL) throws -> [URL] {
            try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        }
        let products = CommandLineRun.executable.deletingLastPathComponent()
        let sources = Project.folder.appendingPathComponent("Sources")
        let maps = try (contents(products) + contents(sources)).map { $0.appendingPathComponent("module.modulemap") }
        // The dependencies are checked out next to the folder of the platform.
        let dependencies = products.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("checkouts")
        let modules = try [sources] + contents(dependencies).map { $0.appendingPathComponent("Sources") }
        let headers = modules.filter { FileManager.default.fileExists(atPath: $0.path) }
            .flatMap { (try? contents($0)) ?? [] }.map { $0.appendingPathComponent("include") }
        return ["-I", products.appendingPathComponent("Modules").path]
            + maps.filter { FileManager.default.fileExists(atPath: $0.path) }
            .flatMap { ["-Xcc", "-fmodule-map-file=\($0.path)"] }
            + headers.filter { FileManager.default.fileExists(atPath: $0.path) }.flatMap { ["-Xcc", "-I\($0.path)"] }
    }

    @Test func examplesCompile() throws {
        let sources = Self.modules.flatMap { Self.files(under: "Sources/\($0)", withExtension: "swift") }
        let articles = Self.files(under: "Sources/DiffusionPolicyKit", withExtension: "md")
        let readme = Project.folder.appendingPathComponent("README.md")
        let all = try (sources + articles).flatMap(Self.examples) + Self.examples(in: readme).dropFirst()
        #expect(all.count > 80)
        #expect(articles.count >= 8)

        let folder = try TemporaryFolder()
        let files = try all.enumerated().map { index, example in
            let file = folder.url.appendingPathComponent("Example\(index).swift")
            try Data(example.file.utf8).write(to: file)
            return file.path
        }
        let compiler = Process()
        let errors = Pipe()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            try ["swiftc", "-typecheck", "-swift-version", "6", "-parse-as-library", "-suppress-warnings"]
            + Self.options() + files
        compiler.standardError = errors
        try compiler.run()
        var text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        for (file, example) in zip(files, all).reversed() {
            text = text.replacingOccurrences(of: file, with: "\(example.source) (example)")
        }
        #expect(compiler.terminationStatus == 0, "\(text)")
    }

    /// Every public type shows how it is used.
    @Test func publicTypesHaveExamples() throws {
        let declaration = /\s*public (final class|class|struct|enum|protocol|actor) (\w+).*/
        var count = 0
        for file in Self.modules.flatMap({ Self.files(under: "Sources/\($0)", withExtension: "swift") }) {
            var comment: [Substring] = []
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                if line.trimmingPrefix(while: \.isWhitespace).hasPrefix("///") {
                    comment.append(line)
                    continue
                }
                if let match = line.wholeMatch(of: declaration) {
                    count += 1
                    #expect(comment.contains { $0.hasSuffix("```swift") }, "\(match.2) in \(file.lastPathComponent)")
                }
                comment = []
            }
        }
        #expect(count > 60)
    }

    /// The library stays small: what users see is counted, so that it does not grow unnoticed.
    @Test func thePublicInterfaceIsSmall() throws {
        let shown = Set(Self.modules).subtracting(["DPPushT", "DPServing"])
        let lines = try shown.flatMap { Self.files(under: "Sources/\($0)", withExtension: "swift") }.flatMap {
            try String(contentsOf: $0, encoding: .utf8).split(separator: "\n")
        }
        let declarations = lines.map { $0.trimmingPrefix(while: \.isWhitespace) }.filter {
            $0.hasPrefix("public ") && !$0.hasPrefix("public import")
        }
        #expect((200...300).contains(declarations.count), "\(declarations.count) public declarations")
    }
}
