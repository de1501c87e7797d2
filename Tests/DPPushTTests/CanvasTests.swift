import DPInterface
import Testing

@testable import DPPushT

/// Tests of the pixels that shapes cover; the expected pictures were checked by hand against pygame 2.1's rules.
@Suite struct CanvasTests {
    /// A canvas as text, `#` where something was drawn.
    static func picture(side: Int = 8, _ draw: (inout Canvas) -> Void) -> [String] {
        var canvas = Canvas(side: side, filledWith: 0)
        draw(&canvas)
        return (0..<side).map { row in
            String(canvas.pixels[row * side..<(row + 1) * side].map { $0 == 0 ? "." : "#" })
        }
    }

    @Test func polygonsIncludeTheirBorder() {
        let square = Self.picture(side: 5) {
            $0.fill([SIMD2(1, 1), SIMD2(3, 1), SIMD2(3, 3), SIMD2(1, 3)], with: 1)
        }
        #expect(square == [".....", ".###.", ".###.", ".###.", "....."])
        let triangle = Self.picture(side: 5) { $0.fill([SIMD2(0, 0), SIMD2(4, 4), SIMD2(0, 4)], with: 1) }
        #expect(triangle == ["#....", "##...", "###..", "####.", "#####"])
    }

    @Test func degeneratePolygons() {
        let level = Self.picture(side: 4) { $0.fill([SIMD2(1, 2), SIMD2(3, 2), SIMD2(2, 2)], with: 1) }
        #expect(level == ["....", "....", ".###", "...."])
        #expect(Self.picture(side: 2) { $0.fill([], with: 1) } == ["..", ".."])
    }

    @Test func evenDiscs() {
        let disc = Self.picture(side: 6) { $0.disc(at: SIMD2(3, 3), radius: 2, with: 1) }
        #expect(disc == ["......", "..##..", ".####.", ".####.", "..##..", "......"])
    }

    @Test func thickLines() {
        let level = Self.picture(side: 6) { $0.line(from: SIMD2(1, 2), to: SIMD2(4, 2), width: 4, with: 1) }
        #expect(level == ["......", ".####.", ".####.", ".####.", ".####.", "......"])
        let upright = Self.picture(side: 6) { $0.line(from: SIMD2(2, 4), to: SIMD2(2, 1), width: 1, with: 1) }
        #expect(upright == ["......", "..#...", "..#...", "..#...", "..#...", "......"])
    }

    @Test func shortestLine() {
        let point = Self.picture(side: 3) { $0.line(from: SIMD2(1, 1), to: SIMD2(1, 1), width: 4, with: 1) }
        #expect(point == ["...", ".#.", "..."])
    }

    @Test func cutsOffWhatIsOutside() {
        let far = 20_000
        let picture = Self.picture(side: 3) {
            $0.fill([SIMD2(-far, -far), SIMD2(far, -far), SIMD2(far, far), SIMD2(-far, far)], with: 1)
            $0.disc(at: SIMD2(far, 0), radius: 15, with: 2)
            $0.line(from: SIMD2(far, far), to: SIMD2(far + 9, far), width: 4, with: 2)
        }
        #expect(picture == ["###", "###", "###"])
    }

    @Test func resamplingKeepsAFlatColor() {
        let canvas = Canvas(side: 7, filledWith: 1)
        let palette: [SIMD3<UInt8>] = [SIMD3(0, 0, 0), SIMD3(12, 255, 77)]
        for side in [1, 3, 7, 10] {
            let image = canvas.resampled(to: side, palette: palette)
            #expect(image.pixels == Array(repeating: [12, 255, 77], count: side * side).flatMap { $0 })
        }
        #expect(canvas.averaged(by: 7, palette: palette).pixels == [12, 255, 77])
    }

    /// Halving by interpolation takes the mean of each 2 × 2 pixels.
    @Test func halving() {
        var canvas = Canvas(side: 4, filledWith: 0)
        canvas.fill([SIMD2(1, 1), SIMD2(3, 1), SIMD2(3, 3), SIMD2(1, 3)], with: 1)
        let palette: [SIMD3<UInt8>] = [SIMD3(repeating: 0), SIMD3(repeating: 200)]
        let red = stride(from: 0, to: 12, by: 3)
        let resampled = canvas.resampled(to: 2, palette: palette).pixels
        #expect(red.map { resampled[$0] } == [50, 100, 100, 200])
        let averaged = canvas.averaged(by: 2, palette: palette).pixels
        #expect(red.map { averaged[$0] } == [50, 100, 100, 200])
    }
}
