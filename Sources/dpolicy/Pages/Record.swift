import ArgumentParser
import Demonstrations
import Foundation
import Play

/// Records a person's demonstrations on a page.
struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Push the T yourself in a browser, and keep the good episodes as demonstrations.",
        discussion: """
            Serves a page on this machine alone and prints its address. The pusher follows the mouse; each episode is kept (K), redone (R) \
            or discarded (X). A kept episode is on disk at once, behind those that the set already holds; whatever ends the process \
            later loses no more than the episode that is being driven. Interrupt to end.

            Example, from nothing to a skill:
              dpolicy record --output mine.zarr
              dpolicy train --recipe pusht-demo --data mine.zarr --output runs/mine
              dpolicy play --policy runs/mine
            """)

    @Option(help: ArgumentHelp("The zarr folder to create, or to append to.", valueName: "path"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: """
            Seed of the first start; if not given, 500000 and one more for each episode that is there already, so that after discarded \
            episodes some starts come again.
            """)
    var seed: UInt64?

    @OptionGroup var page: PageOptions
    @OptionGroup var global: GlobalOptions

    private static let firstSeed: UInt64 = 500_000
    /// How many starts from the first one on are kept off the seeds of the final test.
    private static let starts: UInt64 = 10_000

    func validate() throws {
        guard let seed else { return }
        let test = PushTTask.testSeeds
        guard seed <= UInt64.max - Self.starts, !(seed..<seed + Self.starts).overlaps(test) else {
            throw ValidationError(
                """
                --seed: expected \(Self.starts) starts without those of the final test, \(test.lowerBound)...\
                \(test.upperBound - 1), found \(seed)
                """)
        }
    }

    func run() throws {
        let set = LiveScene.demonstrations(at: URL(fileURLWithPath: output))
        let saved = try set.open()
        let scene = LiveScene(recordingTo: set, saved: saved, seed: seed ?? Self.firstSeed + UInt64(saved.episodes))
        try page.serve(scene, notice: "saving", keepsOutput: global.json)
        let outcome = scene.finish()
        let (size, lost) = (outcome?.saved ?? saved, outcome?.lost ?? 0)
        if global.json {
            try StandardOutput.write(json: Summary(output: output, episodes: size.episodes, frames: size.frames))
        } else {
            StandardOutput.write(line: "\(output): \(size.episodes) episodes, \(size.frames) frames")
        }
        if lost > 0 {
            throw CommandError(place: output, expected: "room for \(lost) more episodes", found: "none; they are lost")
        }
    }

    /// What `--json` prints.
    private struct Summary: Encodable {
        let output: String
        let episodes: Int
        let frames: Int
    }
}
