import DPDatasets
import DPInterface
import DPPushT
import Foundation
import TestSupport
import Testing

/// Compares the simulation and its pictures with human demonstrations recorded in the reference implementation.
@Suite(.enabled(if: HumanDemonstrations.folder != nil, Comment(rawValue: HumanDemonstrations.hint)))
struct RecordedEpisodesTests {
    /// Steps through the recorded episodes; the seed of each is its index.
    struct Replay {
        let states: [Float]
        let actions: [Float]
        let ends: [Int64]
        private var episode = 0
        private var frame = 0
        private(set) var environment = PushTEnvironment(seed: 0)

        init(_ group: ZarrGroup) throws {
            states = try group.array("data/state").floats()
            actions = try group.array("data/action").floats()
            ends = try group.array("meta/episode_ends").integers()
        }

        /// The recorded state of the current frame.
        var recorded: ArraySlice<Float> { states[5 * frame..<5 * frame + 5] }

        mutating func advance() throws {
            try environment.step([actions[2 * frame], actions[2 * frame + 1]])
            frame += 1
            if frame == ends[episode] {
                episode += 1
                environment = PushTEnvironment(seed: UInt64(episode))
            }
        }
    }

    static func open() throws -> ZarrGroup { try ZarrGroup(contentsOf: #require(HumanDemonstrations.folder)) }

    @Test func everyStateIsReproduced() throws {
        var replay = try Replay(Self.open())
        let frames = try #require(replay.ends.last)
        var worst = 0.0
        var worstAngle = 0.0
        for _ in 0..<frames {
            let found = replay.environment.state.values
            let recorded = replay.recorded.map(Double.init)
            for index in 0..<4 { worst = max(worst, abs(found[index] - recorded[index])) }
            worstAngle = max(worstAngle, angularDistance(found[4], recorded[4]))
            try replay.advance()
        }
        #expect(worst <= 1e-3, "pixels, over \(frames) frames")
        #expect(worstAngle <= 1e-3, "radians, over \(frames) frames")
    }

    /// Every tenth frame; a pixel differs when any of its channels does.
    @Test func imagesAreReproduced() throws {
        let group = try Self.open()
        var replay = try Replay(group)
        var sum = 0.0
        var differing = 0
        var pixelCount = 0
        try group.array("data/img").forEachBand(in: 0..<replay.states.count / 5) { rows, bytes in
            for row in rows {
                if row.isMultiple(of: 10) {
                    let image = replay.environment.observationImage()
                    let start = (row - rows.lowerBound) * image.pixels.count * 4
                    for pixel in 0..<image.width * image.height {
                        var largest: Float = 0
                        for index in 3 * pixel..<3 * pixel + 3 {
                            let recorded = bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: Float.self)
                            let difference = abs(Float(image.pixels[index]) - recorded)
                            sum += Double(difference)
                            largest = max(largest, difference)
                        }
                        if largest > 8 { differing += 1 }
                    }
                    pixelCount += image.width * image.height
                }
                try replay.advance()
            }
        }
        #expect(pixelCount > 0)
        let mean = sum / Double(3 * pixelCount)
        let share = Double(differing) / Double(pixelCount)
        #expect(mean <= 0.15, "mean difference, of 255")
        #expect(share <= 0.005, "fraction of the pixels that differ by more than 8")
    }
}
