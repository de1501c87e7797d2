import Foundation
import TestSupport
import Testing

/// What README.md and the guide to the command line name exists.
@Suite struct ReadmeTests {
    /// The code spans of a text.
    private func spans(_ text: some StringProtocol) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
            .map { String($0.element) }
    }

    /// The second column of the table under a heading, without its head.
    private func column(_ index: Int, under heading: String, of file: String) throws -> [String] {
        let text = try String(contentsOf: Project.folder.appendingPathComponent(file), encoding: .utf8)
        let section = try #require(
            text.split(separator: heading, maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first)
        let rows = section.split(separator: "\n").drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.dropFirst(2)
        return rows.map { String($0.split(separator: "|")[index]) }
    }

    /// Checks that the subcommand of a command line and each of its options are in the subcommand's help.
    private func check(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let verb = words.dropFirst().prefix { $0.first?.isLowercase == true && $0 != "pusht" }.prefix(2)
        let subcommands = ["data"]
        let name = subcommands.contains(verb.first ?? "") ? Array(verb) : Array(verb.prefix(1))
        let outcome = try CommandLineRun(name + ["--help"]).wait()
        #expect(outcome.status == 0 && outcome.output.contains("dpolicy \(name.joined(separator: " "))"), "\(command)")
        for option in words where option.hasPrefix("--") { #expect(outcome.output.contains(option), "\(command)") }
    }

    @Test func theComparisonNamesExistingThings() throws {
        let cells = try column(1, under: "## Compared with", of: "README.md")
        #expect(cells.count > 10)
        let named = cells.flatMap { spans($0) }
        #expect(named.count > 10)
        for span in named {
            if span.hasPrefix("dpolicy ") {
                try check(span)
            } else if let recipe = span.split(separator: " ").dropFirst().first, span.hasPrefix("--recipe ") {
                let file = Project.folder.appendingPathComponent("Recipes/\(recipe).yaml")
                #expect(FileManager.default.fileExists(atPath: file.path), "\(span)")
            } else if span == "zarr" {
                let path = Project.folder.appendingPathComponent("Demonstrations/pusht.zarr").path
                #expect(try dpolicy("data", "inspect", path).status == 0)
            } else if span == "safetensors" {
                let folder = try TemporaryFolder()
                let output = folder.url.appendingPathComponent("policy")
                let policy = Project.folder.appendingPathComponent("Policies/pusht").path
                #expect(try dpolicy("export", "--policy", policy, "--output", output.path).status == 0)
                let weights = output.appendingPathComponent("model.safetensors")
                #expect(FileManager.default.fileExists(atPath: weights.path))
            } else {
                Issue.record("README.md names \(span), which this test does not know")
            }
        }
    }

    @Test func theGuideNamesExistingThings() throws {
        let cells = try column(0, under: "# Command line", of: "Documentation/command-line.md")
        #expect(cells.count > 15)
        for span in cells.flatMap({ spans($0) }) { try check(span) }
    }
}
