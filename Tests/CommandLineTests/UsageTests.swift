import Foundation
import TestSupport
import Testing

/// Exit codes and help.
@Suite struct UsageTests {
    static let verbs = [
        "train", "evaluate", "latency", "play", "record", "serve", "load", "predict", "simulate", "inspect", "data",
        "bench",
    ]

    @Test(arguments: verbs) func helpHasExamples(_ verb: String) throws {
        let outcome = try dpolicy(verb, "--help")
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains("dpolicy \(verb) "))
        #expect(outcome.output.contains("Example"))
    }

    @Test func printsItsVersion() throws {
        let outcome = try dpolicy("--version")
        #expect(outcome.status == 0)
        #expect(outcome.output.split(separator: ".").count == 3)
    }

    @Test(arguments: [
        ["frobnicate"], ["predict"], ["evaluate", "--episodes", "0"], ["evaluate", "--episodes", "many"],
        ["evaluate", "--sampler", "euler"], ["evaluate", "--threads", "0"], ["evaluate", "--unknown"],
        ["simulate", "chess", "--actions", "x"], ["simulate", "pusht", "--actions", "x", "--hold", "0"],
        ["train", "--data", "x", "--output", "y"],
        ["train", "--recipe", "pusht-lowdym", "--data", "x", "--output", "y"],
        ["data", "fetch", "pusht", "--url", "gopher"], ["inspect"],
        ["data", "record", "--policy", "x", "--output", "y", "--seed", "100049"],
        ["data", "record", "--policy", "x", "--output", "y", "--seed", "99990"],
        ["data", "record", "--policy", "x", "--output", "y", "--seed", "18446744073709551615"],
        ["evaluate", "--seed", "18446744073709551615"], ["bench"], ["bench", "--data", "x", "--steps", "0"],
        ["bench", "--data", "x", "--work", "sleep"], ["evaluate", "--latency", "-0.1"],
        ["evaluate", "--latency", "0.1", "--merging", "smooth"], ["evaluate", "--merging", "linear-blend:0"],
        ["evaluate", "--merging", "synchronous", "--interval", "2"], ["latency", "--latencies", "0", "61"],
        ["latency", "--source", "thought"], ["serve", "--host", "0.0.0.0"], ["serve", "--port", "65536"],
        ["serve", "--tls-cert", "x"], ["serve", "--feature", "state"], ["serve", "--batch", "0"],
        ["evaluate", "--server", "http://x"], ["evaluate", "--server", "ws://x", "--policy", "y"],
        ["evaluate", "--server", "ws://x", "--steps", "4"], ["evaluate", "--api-key-file", "x"], ["load"],
        ["train", "--recipe", "pusht-demo", "--data", "x", "--output", ""], ["serve", "--policy="],
        ["load", "--server", "ws://x", "--clients", "0"], ["load", "--server", "ws://x", "--interval", "11"],
    ])
    func wrongUsageIs64(_ arguments: [String]) throws {
        let outcome = try CommandLineRun(arguments).wait()
        #expect(outcome.status == 64)
        #expect(isOneLine(outcome.errors, with: "--help"))
        #expect(outcome.output.isEmpty)
    }

    @Test(arguments: [
        ["inspect", "nowhere"], ["data", "inspect", "nowhere"], ["evaluate", "--policy", "nowhere"],
        ["predict", "--policy", "nowhere", "--input", "a", "--output", "b"],
        ["train", "--recipe", "nowhere.yaml", "--data", "x", "--output", "y"],
        ["train", "--recipe", "pusht-demo", "--data", "nowhere", "--output", "y"],
        ["train", "--resume", "--data", "x", "--output", "nowhere"], ["serve", "--policy", "nowhere"],
        ["serve", "--api-key-file", "nowhere"], ["serve", "--tls-cert", "nowhere", "--tls-key", "nowhere"],
    ])
    func missingFilesAre1(_ arguments: [String]) throws {
        let outcome = try CommandLineRun(arguments).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "nowhere"))
    }

    @Test func makeRunsExistingCommands() throws {
        let makefile = try String(contentsOf: Project.folder.appendingPathComponent("Makefile"), encoding: .utf8)
        let commands = makefile.split(separator: "\n").filter { $0.hasPrefix("\t$(DPOLICY) ") }
            .map { $0.split(separator: " ").dropFirst().map(String.init) }
        #expect(!commands.isEmpty)
        for command in commands {
            let help = try dpolicy(command[0], "--help")
            #expect(help.output.contains("USAGE: dpolicy \(command[0]) "))
            for option in command where option.hasPrefix("--") {
                #expect(help.output.contains("\n  \(option) "), "dpolicy \(command[0]) \(option)")
            }
        }
    }

    @Test func negativeNumbersAreNumbers() throws {
        let seed = try dpolicy("simulate", "pusht", "--actions", "x", "--seed", "-1")
        #expect(isOneLine(seed.errors, with: "'-1' is invalid"))
        let episodes = try dpolicy("data", "record", "--policy", "x", "--output", "y", "--episodes", "-2")
        #expect(isOneLine(episodes.errors, with: "found -2", "see dpolicy data record --help"))
    }

    @Test func suggestsTheNearestRecipe() throws {
        let outcome = try dpolicy("train", "--recipe", "pusht-lowdym", "--data", "x", "--output", "y")
        #expect(outcome.errors.contains("did you mean pusht-lowdim"))
    }

    /// An executable outside the project, run outside the project, finds no shipped policy.
    @Test func reportsWhereTheShippedPolicyIsSearched() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: CommandLineRun.executable, to: folder("dpolicy"))
        let outcome = try CommandLineRun(["evaluate"], executable: folder("dpolicy"), directory: folder.url).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "Policies/pusht", "--policy DIR"))
    }

    @Test func findsTheShippedPolicyWhereItIsInstalled() throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        try files.createDirectory(at: folder("bin"), withIntermediateDirectories: true)
        try files.createDirectory(at: folder("share/dpolicy"), withIntermediateDirectories: true)
        try files.copyItem(at: CommandLineRun.executable, to: folder("bin/dpolicy"))
        try files.createSymbolicLink(
            at: folder("share/dpolicy/Policies"), withDestinationURL: Project.folder.appendingPathComponent("Policies"))
        let outcome = try CommandLineRun(
            ["evaluate", "--episodes", "1", "--sampler", "ddim", "--steps", "2"], executable: folder("bin/dpolicy"),
            directory: folder.url
        ).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}
