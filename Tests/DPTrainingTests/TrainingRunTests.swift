import DPBase
import DPCPU
import DPDatasets
import DPGraph
import DPPolicy
import Foundation
import Logging
import TestSupport
import Testing

@testable import DPTraining

@Suite struct TrainingRunTests {
    private func run(
        _ folder: URL, _ recipe: Recipe = ToyRobot.recipe(), demonstrations: InMemoryDataset? = nil,
        isResumed: Bool = false
    ) throws -> TrainingRun {
        try TrainingRun(
            directory: folder, recipe: recipe, demonstrations: demonstrations ?? ToyRobot.demonstrations(),
            isResumed: isResumed, backend: ToyRobot.machine,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Trains for some updates, then releases everything, like a killed process.
    private func interrupt(_ folder: URL, at step: Int, isResumed: Bool = false) throws {
        struct Killed: Error {}
        #expect(throws: Killed.self) {
            _ = try self.run(folder, isResumed: isResumed).run(progress: { if $0.step == step { throw Killed() } })
        }
    }

    /// Returns the rows without the measured times.
    private func rows(_ folder: URL) throws -> [MetricsRow] {
        try MetricsFile.rows(contentsOf: RunDirectory(folder).metrics).map {
            var row = $0
            row.elapsedSeconds = 0
            row.samplesPerSecond = 0
            return row
        }
    }

    private func checkpoints(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: RunDirectory(folder).checkpoints.path).sorted()
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing thrown"
        } catch { return "\(error)" }
    }

    @Test func aRunLeavesItsFiles() throws {
        try withTemporaryFolder { folder in
            let folder = folder.appendingPathComponent("runs/toy")
            let run = try run(folder)
            var seen: [Int] = []
            #expect(try run.run(progress: { seen.append($0.step) }) == .finished)
            #expect(seen == Array(1...6))
            let rows = try rows(folder)
            #expect(rows.map(\.step) == seen)
            #expect(rows[0].learningRate == 0)
            #expect(rows.map { $0.validationLoss != nil } == [false, true, false, true, false, true])
            #expect(rows.allSatisfy { $0.score == nil && ($0.actionMSE != nil) == ($0.validationLoss != nil) })
            #expect(try RecipeFile.read(contentsOf: run.directory.recipe) == run.trainer.recipe)
            #expect(try PolicyDirectory(run.directory.policy).read().weights == run.trainer.averageWeights)
            let line = try String(contentsOf: run.directory.metrics, encoding: .utf8).split(separator: "\n")[1]
            for key in [
                "step", "epoch", "loss", "learning_rate", "gradient_norm", "samples_per_second", "elapsed_seconds",
                "validation_loss",
            ] { #expect(line.contains("\"\(key)\":")) }
        }
    }

    @Test func resumesAKilledRunBitForBit() throws {
        try withTemporaryFolder { folder in
            let (whole, killed) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("killed"))
            let expected = try run(whole)
            _ = try expected.run()

            try interrupt(killed, at: 1)  // before the first checkpoint
            try interrupt(killed, at: 3, isResumed: true)  // one row after a checkpoint
            try interrupt(killed, at: 5, isResumed: true)
            let last = try run(killed, isResumed: true)
            #expect(last.trainer.step == 4)
            #expect(try last.run() == .finished)
            #expect(last.trainer.weights == expected.trainer.weights)
            #expect(last.trainer.averageWeights == expected.trainer.averageWeights)
            #expect(try rows(killed) == rows(whole))
            for name in try checkpoints(whole) {
                let urls = [whole, killed].map { RunDirectory($0).checkpoints.appendingPathComponent(name) }
                let files = try urls.map { try SafetensorsFile(contentsOf: $0) }
                #expect(files[0].tensors.keys == files[1].tensors.keys)
                for tensor in files[0].tensors.keys { #expect(try files[0].floats(tensor) == files[1].floats(tensor)) }
            }
        }
    }

    @Test func resumingAFinishedRunDoesNothing() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder).run()
            let rows = try rows(folder)
            #expect(try run(folder, isResumed: true).run() == .finished)
            #expect(try self.rows(folder) == rows)
        }
    }

    @Test func savesACheckpointWhenStopped() throws {
        try withTemporaryFolder { folder in
            let (whole, stopped) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("stopped"))
            let expected = try run(whole)
            _ = try expected.run()
            var step = 0
            #expect(try run(stopped).run(progress: { step = $0.step }, shouldStop: { step == 2 }) == .stopped(step: 3))
            #expect(try checkpoints(stopped).contains("step-00000003.checkpoint"))
            #expect(FileManager.default.fileExists(atPath: RunDirectory(stopped).policy.path))
            let resumed = try run(stopped, isResumed: true)
            #expect(resumed.trainer.step == 3)
            _ = try resumed.run()
            #expect(resumed.trainer.weights == expected.trainer.weights)
            #expect(try rows(stopped) == rows(whole))
        }
    }

    @Test func warnsWhenResumingInAnotherPrecision() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            // In bfloat16 if the machine supports it.
            for machine in [ToyRobot.machine, CPUBackend(threads: 1)] {
                let messages = Messages()
                let run = try TrainingRun(
                    directory: folder, recipe: ToyRobot.recipe(), demonstrations: ToyRobot.demonstrations(),
                    isResumed: true, backend: machine, logger: Logger(label: "test") { _ in messages })
                #expect(run.trainer.step == 4)
                let told = messages.lines.contains { $0.hasPrefix("started in float32, resuming in bfloat16:") }
                #expect(told == (machine.precision == .bfloat16))
            }
        }
    }

    /// Existing results are not destroyed when checkpoints are missing.
    @Test func refusesToRestartWithoutCheckpoints() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder).run()
            let files = RunDirectory(folder)
            try FileManager.default.removeItem(at: files.checkpoints)
            let (before, policy) = (try rows(folder), try PolicyDirectory(files.policy).read())
            let text = message { _ = try self.run(folder, isResumed: true) }
            #expect(
                text.contains("found metrics of 6 updates and a policy, but no checkpoint; put the checkpoints back"))
            #expect(try rows(folder) == before)
            #expect(try PolicyDirectory(files.policy).read() == policy)
            try FileManager.default.removeItem(at: files.policy)
            #expect(message { _ = try self.run(folder, isResumed: true) }.contains("metrics of 6 updates, but no"))
            // Killed before the first checkpoint: nothing would be lost.
            let lines = try String(contentsOf: files.metrics, encoding: .utf8).split(separator: "\n")
            try Data("\(lines[0])\n\(lines[1])\n".utf8).write(to: files.metrics)
            #expect(try run(folder, isResumed: true).trainer.step == 0)
        }
    }

    @Test func extendsARun() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder).run()
            func extended(_ steps: Int?, planned: Int = 6, _ messages: Messages = Messages()) throws -> TrainingRun {
                try TrainingRun(
                    directory: folder, recipe: ToyRobot.recipe { $0.steps = planned },
                    demonstrations: ToyRobot.demonstrations(), isResumed: true, extendingTo: steps,
                    backend: ToyRobot.machine, logger: Logger(label: "test") { _ in messages })
            }
            #expect(message { _ = try extended(nil, planned: 10) }.contains("use --extend STEPS to train longer"))
            #expect(
                message { _ = try extended(6) }.contains(
                    "--extend: expected more than the 6 updates of the run, found 6"))
            let messages = Messages()
            struct Killed: Error {}
            #expect(throws: Killed.self) {
                _ = try extended(10, messages).run(progress: { if $0.step == 7 { throw Killed() } })
            }
            #expect(messages.lines.contains { $0.hasPrefix("10 updates instead of 6: the learning rate") })
            #expect(try RecipeFile.read(contentsOf: RunDirectory(folder).recipe).training.steps == 10)
            // From here on the run has ten updates, although the newest checkpoint was planned for six.
            #expect(try extended(nil, planned: 10).run() == .finished)
            let schedule = ToyRobot.recipe().training.learningRateSchedule
            for row in try rows(folder) {
                let planned = row.step <= 6 ? 6 : 10
                #expect(row.learningRate == schedule.learningRate(at: row.step - 1, of: planned, peak: 1e-3))
            }
            #expect(try rows(folder).map(\.step) == Array(1...10))
        }
    }

    @Test func warnsOfMovedDatasetAndOtherThreadCount() throws {
        try withTemporaryFolder { folder in
            func run(at path: String, threads: Int, seed: UInt64 = 1, _ messages: Messages = Messages()) throws
                -> TrainingRun
            {
                try TrainingRun(
                    directory: folder, recipe: ToyRobot.recipe(), demonstrations: ToyRobot.demonstrations(seed: seed),
                    dataPath: path, isResumed: true, backend: CPUBackend(threads: threads, precision: .float32),
                    logger: Logger(label: "test") { _ in messages })
            }
            _ = try run(at: "/there/robot.zarr", threads: 1).run()
            #expect(RunDirectory(folder).dataPath == "/there/robot.zarr")
            let same = Messages()
            _ = try run(at: "/there/robot.zarr", threads: 1, same)
            #expect(same.lines.isEmpty)
            let messages = Messages()
            _ = try run(at: "/here/robot.zarr", threads: 2, messages)
            #expect(
                messages.lines == [
                    "the dataset was at /there/robot.zarr and is now at /here/robot.zarr, with identical numbers",
                    "started with 1 threads, resuming with 2: no longer bit for bit the same run",
                ])
            let other = message { _ = try run(at: "/here/other.zarr", threads: 1, seed: 2) }
            #expect(other.contains("at /there/robot.zarr before") && other.contains("at /here/other.zarr now"))
        }
    }

    @Test func aWarmUpLongerThanTheTrainingIsWarnedOf() throws {
        let trainer = try ToyRobot.trainer(ToyRobot.recipe { $0.learningRateSchedule = .cosine(warmUp: 6) })
        #expect(trainer.warnings.count == 1)
        #expect(trainer.warnings[0].contains("6 updates of warm-up in a training run of 6 updates"))
        #expect(try ToyRobot.trainer().warnings.isEmpty)
    }

    @Test func resumesDespitePartialFiles() throws {
        try withTemporaryFolder { folder in
            let (whole, killed) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("killed"))
            _ = try run(whole).run()
            try interrupt(killed, at: 5)
            let files = RunDirectory(killed)

            // Killed while writing a checkpoint, which leaves a temporary file.
            let newest = files.checkpoints.appendingPathComponent("step-00000004.checkpoint")
            let bytes = try Data(contentsOf: newest)
            let temporary = files.checkpoints.appendingPathComponent(".step-00000006.checkpoint.writing-1234")
            try bytes.prefix(1000).write(to: temporary)
            // Killed while writing a line.
            let handle = try FileHandle(forWritingTo: files.metrics)
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{\"step\":6,\"lo".utf8))
            try handle.close()
            // Damaged in another way: the newest checkpoint is truncated.
            try bytes.prefix(bytes.count - 10).write(to: newest)

            let resumed = try run(killed, isResumed: true)
            #expect(resumed.trainer.step == 2)
            #expect(!FileManager.default.fileExists(atPath: temporary.path))
            #expect(try checkpoints(killed).contains("step-00000004.checkpoint.damaged"))
            _ = try resumed.run()
            #expect(try rows(killed) == rows(whole))
        }
    }

    /// A damaged checkpoint that cannot be renamed would be read as a checkpoint again.
    @Test func aDamagedCheckpointThatStaysIsAnError() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 5)
            let newest = RunDirectory(folder).checkpoints.appendingPathComponent("step-00000004.checkpoint")
            try Data("nothing".utf8).write(to: newest)
            let taken = URL(fileURLWithPath: newest.path + ".damaged")
            try FileManager.default.createDirectory(at: taken, withIntermediateDirectories: true)
            let error = #expect(throws: FileSystemError.self) { _ = try self.run(folder, isResumed: true) }
            #expect("\(error!)".hasPrefix("cannot rename the damaged checkpoint \(newest.path)"))
        }
    }

    @Test(arguments: [0, 7, 100, 5000]) func aDamagedCheckpointIsNotRestored(length: Int) throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let newest = RunDirectory(folder).checkpoints.appendingPathComponent("step-00000004.checkpoint")
            try Data(contentsOf: newest).prefix(length).write(to: newest)
            #expect(try run(folder, isResumed: true).trainer.step == 2)
        }
    }

    @Test func aFlippedBitIsNoticed() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let newest = RunDirectory(folder).checkpoints.appendingPathComponent("step-00000004.checkpoint")
            var bytes = try Data(contentsOf: newest)
            bytes[bytes.count - 6] ^= 1
            try bytes.write(to: newest)
            #expect(message { _ = try Checkpoint(contentsOf: newest).policy() }.contains("checksum"))
            #expect(try run(folder, isResumed: true).trainer.step == 2)
        }
    }

    /// An array without its checksum cannot be verified.
    @Test func anArrayWithoutItsChecksumIsDamaged() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let newest = RunDirectory(folder).checkpoints.appendingPathComponent("step-00000004.checkpoint")
            var bytes = try Data(contentsOf: newest)
            let key = try #require(bytes.range(of: Data("checksum.average".utf8)))
            bytes.replaceSubrange(key, with: Data("checksum.another".utf8))
            try bytes.write(to: newest)
            #expect(message { _ = try Checkpoint(contentsOf: newest).policy() }.contains("checksum that is missing"))
            #expect(try run(folder, isResumed: true).trainer.step == 2)
        }
    }

    @Test func aCheckpointThatCannotBeOpenedIsNotTakenForDamaged() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let newest = RunDirectory(folder).checkpoints.appendingPathComponent("step-00000004.checkpoint")
            let bytes = try Data(contentsOf: newest)
            // A link to itself represents a file that cannot be opened, permanently or temporarily.
            try FileManager.default.removeItem(at: newest)
            try FileManager.default.createSymbolicLink(atPath: newest.path, withDestinationPath: newest.path)
            #expect(throws: FileSystemError.self) { try run(folder, isResumed: true) }
            #expect(try checkpoints(folder) == ["step-00000002.checkpoint", "step-00000004.checkpoint"])
            try FileManager.default.removeItem(at: newest)
            try bytes.write(to: newest)
            #expect(try run(folder, isResumed: true).trainer.step == 4)
        }
    }

    @Test func refusesToRestartWithoutAnIntactCheckpoint() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let files = RunDirectory(folder)
            let rows = try rows(folder)
            for name in try checkpoints(folder) {
                try Data().write(to: files.checkpoints.appendingPathComponent(name))
            }
            // On the second attempt, the checkpoints are already renamed.
            for _ in 0..<2 {
                let error = message { _ = try run(folder, isResumed: true) }
                #expect(error.contains("expected an intact checkpoint to resume from, found 2 damaged ones"))
            }
            #expect(try self.rows(folder) == rows)
        }
    }

    @Test func aCheckpointThatCannotBeWrittenLeavesTheOlderOnes() throws {
        try withTemporaryFolder { folder in
            let run = try run(folder)
            // A folder at the checkpoint's path represents a full disk: the final rename fails.
            let blocked = run.directory.checkpoints.appendingPathComponent("step-00000004.checkpoint/x")
            try FileManager.default.createDirectory(at: blocked, withIntermediateDirectories: true)
            let error = message { _ = try run.run() }
            #expect(error.contains("step-00000004.checkpoint") && error.contains("cannot write"))
            #expect(try checkpoints(folder) == ["step-00000002.checkpoint", "step-00000004.checkpoint"])
            #expect(run.checkpoints.newest?.header.step == 2)
        }
    }

    @Test func theBestAndTheTwoNewestCheckpointsStay() throws {
        try withTemporaryFolder { folder in
            var recipe = ToyRobot.recipe {
                $0.rollouts = changed(RolloutConfiguration()) {
                    $0.interval = 1
                    $0.episodes = 2
                    $0.seed = 5
                }
            }
            recipe.training.checkpointInterval = 1
            let run = try run(folder, recipe)
            var calls: [RolloutConfiguration] = []
            let scores = [0.1, 0.9, 0.3, 0.2, 0.1, 0.4]
            _ = try run.run(rollout: { policy, configuration in
                calls.append(configuration)
                _ = try policy.predict(observations: [Float](repeating: 0, count: 16), keys: [.init(seed: 1)])
                return TrainingRun.RolloutResult(score: scores[calls.count - 1], successRate: 0)
            })
            #expect(
                calls
                    == Array(
                        repeating: changed(RolloutConfiguration()) {
                            $0.interval = 1
                            $0.episodes = 2
                            $0.seed = 5
                        }, count: 6))
            #expect(try checkpoints(folder) == [2, 5, 6].map { "step-0000000\($0).checkpoint" })
            #expect(run.checkpoints.entries.best?.header.step == 2)
            #expect(try rows(folder).map(\.score) == scores)
            #expect(
                try CheckpointStore(run.directory.checkpoints, kept: 1, logger: Logger(label: "t")).entries.best?.header
                    .score
                    == 0.9)
        }
    }

    @Test func checkpointsAreComparedByScoreThenByValidationLoss() throws {
        var headers = [CheckpointHeader](repeating: try ToyRobot.trainer().header(), count: 4)
        headers[1].validationLoss = 0.2
        headers[2].validationLoss = 0.1
        headers[3].score = 0.1
        for (worse, better) in zip(headers, headers.dropFirst()) {
            #expect(better.isBetter(than: worse) && !worse.isBetter(than: better))
        }
        #expect(!headers[0].isMeasured && headers[1].isMeasured && headers[3].isMeasured)
    }

    @Test func anExistingRunIsNotOverwritten() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 2)
            #expect(message { _ = try self.run(folder) }.contains("resume it with --resume"))
        }
    }

    @Test func anotherRecipeOrOtherDemonstrationsAreRefused() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 2)
            let longer = message { _ = try self.run(folder, ToyRobot.recipe { $0.steps = 7 }, isResumed: true) }
            #expect(longer.contains("training.steps: 6 before, 7 now"))
            let seed = message { _ = try self.run(folder, ToyRobot.recipe { $0.seed = 4 }, isResumed: true) }
            #expect(seed.contains("training.seed: 3 before, 4 now"))
            let other = try ToyRobot.demonstrations(seed: 2)
            let data = message { _ = try self.run(folder, demonstrations: other, isResumed: true) }
            #expect(data.contains("demonstrations: 4 episodes of 48 frames, hash"))
        }
    }

    @Test func twoRunsDoNotShareADirectory() throws {
        try withTemporaryFolder { folder in
            let first = try run(folder)
            #expect(message { _ = try self.run(folder, isResumed: true) }.contains("another training process"))
            _ = try first.run()
        }
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            #expect(message { _ = try self.run(file) }.contains("file"))
        }
    }

    @Test func aLossThatIsNotFiniteNamesTheLastCheckpoint() throws {
        try withTemporaryFolder { folder in
            let run = try run(folder)
            var step = 0
            run.trainer.reduce = { if step == 2 { $0.write([.infinity]) } }
            let error = message { _ = try run.run(progress: { step = $0.step }) }
            #expect(error.hasPrefix("step 3: expected a finite gradient norm, found inf; the last good checkpoint is"))
            #expect(error.contains("step-00000002.checkpoint"))
        }
    }

    @Test func aMeasurementThatIsNotFiniteIsNamed() throws {
        try withTemporaryFolder { folder in
            // The second update makes the weights so large that no output is finite.
            let run = try run(folder, ToyRobot.recipe { $0.optimizer.learningRate = 1e30 })
            let error = message { _ = try run.run() }
            #expect(error.hasPrefix("step 2: expected a finite validation loss, found"))
        }
        try withTemporaryFolder { folder in
            let recipe = ToyRobot.recipe {
                $0.optimizer.learningRate = 1e30
                $0.validationRatio = 0
            }
            let error = message { _ = try self.run(folder, recipe).run() }
            #expect(error.hasPrefix("step 2: expected a finite error of sampled actions, found nan"))
        }
        try withTemporaryFolder { folder in
            let rollouts = changed(RolloutConfiguration()) {
                $0.interval = 1
                $0.episodes = 1
                $0.seed = 5
            }
            let run = try run(folder, ToyRobot.recipe { $0.rollouts = rollouts })
            let result = TrainingRun.RolloutResult(score: .nan, successRate: 0)
            #expect(
                message { _ = try run.run(rollout: { _, _ in result }) }.hasPrefix("step 1: expected a finite score"))
        }
    }

    @Test func detectsMissingLines() throws {
        try withTemporaryFolder { folder in
            try interrupt(folder, at: 4)
            let metrics = RunDirectory(folder).metrics
            let lines = try String(contentsOf: metrics, encoding: .utf8).split(separator: "\n")
            try Data((lines.prefix(2).joined(separator: "\n") + "\n").utf8).write(to: metrics)
            #expect(message { _ = try self.run(folder, isResumed: true) }.contains("expected the line of step 4"))
        }
    }
}

/// Collects log messages.
private final class Messages: LogHandler, @unchecked Sendable {
    // Used from a single thread.
    private(set) var lines: [String] = []
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.message)") }
}
