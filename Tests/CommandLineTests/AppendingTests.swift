import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// A process is killed while it appends to a dataset.
@Suite(.timeLimit(.minutes(10))) struct AppendingTests {
    @Test func aKillLosesNoSavedEpisode() throws {
        let folder = try TemporaryFolder()
        let dataset = DatasetDirectory(folder("set.zarr"), features: ["state": [2]])
        let probe = CommandLineRun.executable.deletingLastPathComponent().appendingPathComponent("AppendingProbe")
        var said = 0
        for attempt in 0..<20 {
            let run = try CommandLineRun([dataset.url.path], executable: probe)
            while run.isRunning, run.outputSoFar.isEmpty { usleep(1000) }
            // Kill the process at various points of writing another episode.
            usleep(UInt32(attempt * 7919 % 40_000))
            run.signal(SIGKILL)
            let outcome = try run.wait()
            try #require(outcome.isKilled, "\(outcome.errors)")
            said = try #require(outcome.lines.last.flatMap { Int($0) })

            // All reported episodes are present, and possibly one more that was not yet reported.
            let size = try dataset.open()
            #expect((said...said + 1).contains(size.episodes))
            #expect(folder.names == ["set.zarr"])
            let found = try InMemoryDataset(contentsOf: dataset.url)
            #expect(found.episodes.count == size.episodes)
            let states = try found.feature("state").values
            for (number, frames) in found.episodes.enumerated() {
                #expect(frames.count == 1 + number % 5)
                #expect(states[2 * frames.lowerBound..<2 * frames.upperBound].allSatisfy { $0 == Float(number) })
            }
        }
        #expect(said >= 20)
    }
}
