import DPInterface
import DPPushT
import Testing

/// Compares our own pictures with stored hashes; `RecordedEpisodesTests` compares pictures with recorded ones.
@Suite struct PushTPictureTests {
    /// FNV-1a over the pixels.
    static func hash(_ image: RGBImage) -> UInt64 {
        image.pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    @Test func knownPictures() throws {
        let environment = PushTEnvironment(seed: 100_003)
        #expect(Self.hash(environment.observationImage()) == 3_908_493_766_373_568_601)
        for _ in 0..<6 { try environment.step([300, 250]) }
        #expect(Self.hash(environment.observationImage()) == 9_064_984_738_253_197_170)
        #expect(Self.hash(environment.render(side: 128)) == 18_009_471_108_800_101_873)
    }

    @Test(arguments: [1, 7, 96, 200]) func anySize(_ side: Int) {
        let image = PushTEnvironment(seed: 0).render(side: side)
        #expect(image.width == side && image.height == side)
    }

    /// The world's corners are white, the wall is gray, the middle of the goal is green and the agent's is blue.
    @Test func colors() throws {
        let environment = try PushTEnvironment(state: PushTState([100, 400, 400, 100, 0]))
        let image = environment.render(side: 512)
        func color(_ x: Int, _ y: Int) -> [UInt8] {
            Array(image.pixels[3 * (y * 512 + x)..<3 * (y * 512 + x) + 3])
        }
        #expect(color(0, 0) == [255, 255, 255])
        #expect(color(256, 5) == [211, 211, 211])
        #expect(color(256, 270) == [144, 238, 144])
        #expect(color(100, 400) == [78, 126, 255])
        #expect(color(100, 413) == [65, 105, 225])
        #expect(color(400, 115) == [143, 163, 184])
    }

    /// An agent may leave the world; the picture then does not show it.
    @Test func survivesWhatIsOutside() throws {
        let environment = try PushTEnvironment(state: PushTState([-9000, 9000, 9000, -9000, 3]))
        #expect(environment.observationImage().width == 96)
        #expect(environment.render(side: 64).width == 64)
    }
}
