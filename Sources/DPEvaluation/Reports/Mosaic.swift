package import DPInterface
import Foundation

/// A grid of rollouts in one picture: each tile shows the episode's seed and best reward, and a green frame after
/// success.
///
/// The images of the policy's cameras are next to the scene.
package struct Mosaic {
    /// Tiles per row.
    package let columns: Int
    /// Rows of tiles.
    package let rows: Int
    /// The picture in its current state.
    package private(set) var image: RGBImage

    private let side: Int
    private let cameras: Int
    private static let caption = 20
    private static let frame = 4
    private static let gap = 4
    private static let background: Color = (24, 26, 31)
    private static let text: Color = (225, 228, 235)
    private static let success: Color = (46, 190, 96)

    /// An empty grid.
    /// - Parameters:
    ///   - tiles: number of tiles; the grid is between square and twice as wide as high, with as few gaps as possible.
    ///   - side: side of a tile's pictures, in pixels.
    ///   - cameras: number of camera images next to the scene; none by default.
    /// - Precondition: tiles and side are positive.
    package init(tiles: Int, side: Int, cameras: Int = 0) {
        precondition(tiles > 0 && side > 0 && cameras >= 0, "\(tiles) tiles of \(side) pixels, \(cameras) cameras")
        self.side = side
        self.cameras = cameras
        columns = Self.columns(for: tiles)
        rows = (tiles + columns - 1) / columns
        image = RGBImage(
            width: columns * Self.tileWidth(side, cameras) + Self.gap, height: rows * Self.tileHeight(side) + Self.gap,
            filledWith: Self.background)
    }

    /// Draws an episode's current state into its tile.
    package mutating func show(_ environment: any SimulatedEnvironment, _ episode: EpisodeResult, at tile: Int) {
        precondition((0..<rows * columns).contains(tile), "tile \(tile) of \(rows * columns)")
        let x = Self.gap + tile % columns * Self.tileWidth(side, cameras)
        let y = Self.gap + tile / columns * Self.tileHeight(side)
        let (width, height) = (Self.tileWidth(side, cameras) - Self.gap, Self.tileHeight(side) - Self.gap)
        image.fill(x..<x + width, y..<y + height, with: episode.success ? Self.success : Self.background)
        let color = episode.success ? Self.background : Self.text
        // Rounded down, so that only a success reads 1.00.
        let label = "\(episode.seed) \(String(format: "%.2f", (episode.bestReward * 100).rounded(.down) / 100))"
        let fits = label.count * BitmapFont.advance * 2 <= width
        BitmapFont.draw(label, x: x + Self.frame, y: y + 4, scale: fits ? 2 : 1, color: color, into: &image)
        let picture = environment.render(side: side)
        image.paste(picture, x: x + Self.frame, y: y + Self.caption + Self.frame)
        guard cameras > 0 else { return }
        let seen = environment.observation.images.sorted { $0.key < $1.key }.prefix(cameras)
        for (index, camera) in seen.enumerated() {
            image.paste(
                camera.value.resized(to: ImageSize(height: side, width: side)),
                x: x + Self.frame + (index + 1) * (side + Self.gap), y: y + Self.caption + Self.frame)
        }
    }

    private static func tileWidth(_ side: Int, _ cameras: Int) -> Int {
        side + cameras * (side + gap) + 2 * frame + gap
    }

    private static func tileHeight(_ side: Int) -> Int { side + 2 * frame + caption + gap }

    private static func columns(for tiles: Int) -> Int {
        let square = Int(Double(tiles).squareRoot().rounded(.up))
        func empty(_ columns: Int) -> Int { (tiles + columns - 1) / columns * columns - tiles }
        return (square...2 * square).min { empty($0) < empty($1) } ?? square
    }
}
