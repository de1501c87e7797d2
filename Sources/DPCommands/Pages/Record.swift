import ArgumentParser
import DPBase
import DPDatasets
import DPEvaluation
import DPPlay
import Foundation

/// Records human demonstrations on a page.
struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record demonstrations by pushing the T yourself in a browser.",
        discussion: """
            Serves a page on this machine only and prints its address. The pusher follows the mouse. Keep (K), redo \
            (R) or discard (X) each episode. A kept episode is immediately appended to the dataset on disk; if the \
            process ends unexpectedly, only the current episode is lost. Press Ctrl-C to end.

            Example, from demonstrations to a policy:
              dpolicy record --output mine.zarr
              dpolicy train --recipe pusht-demo --data mine.zarr --output runs/mine
              dpolicy play --policy runs/mine
            """)

    @Option(help: ArgumentHelp("Zarr folder to create or append to.", valueName: "path"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: """
            Seed of the first start state; default: 500000 plus the number of episodes in the folder, so start \
            states may repeat after discarded episodes.
            """)
    var seed: UInt64?

    @OptionGroup var page: PageOptions
    @OptionGroup var global: GlobalOptions

    private static let firstSeed: UInt64 = 500_000
    /// The number of consecutive start states that must not include seeds of the final test.
    private static let starts: UInt64 = 10_000

    func validate() throws {
        guard let seed else { return }
        let test = EvaluationConfiguration.testSeeds
        guard seed <= UInt64.max - Self.starts, !(seed..<seed + Self.starts).overlaps(test) else {
            throw ValidationError(
                """
                --seed: expected \(Self.starts) start states without those of the final test, \(test.lowerBound)...\
                \(test.upperBound - 1), found \(seed)
                """)
        }
    }

    func run() throws {
        let dataset = LiveScene.demonstrations(at: URL(fileURLWithPath: output))
        let saved = try dataset.open()
        let scene = LiveScene(
            recordingTo: dataset, saved: saved, seed: seed ?? Self.firstSeed + UInt64(saved.episodes))
        try page.serve(scene, notice: "saving", keepsOutput: global.json)
        let outcome = scene.finish()
        let (size, lost) = (outcome?.saved ?? saved, outcome?.lost ?? 0)
        if global.json {
            try StandardOutput.write(json: Summary(output: output, episodes: size.episodes, frames: size.frames))
        } else {
            StandardOutput.write(line: "\(output): \(size.episodes) episodes, \(size.frames) frames")
        }
        if lost > 0 {
            throw InputError(at: output, expected: "space for \(lost) more episodes", found: "none; they are lost")
        }
    }

    /// The output of `--json`.
    private struct Summary: Encodable {
        let output: String
        let episodes: Int
        let frames: Int
    }
}
