import Foundation
public import PolicyInterface

/// A grid of rollouts in one picture: each tile carries the episode's seed and best reward, and a green frame after success.
public struct Mosaic {
    /// Tiles in a row.
    public let columns: Int
    /// Rows of tiles.
    public let rows: Int
    /// The picture in its present state.
    public private(set) var image: RGBImage

    private let side: Int
    private static let caption = 20
    private static let frame = 4
    private static let gap = 4
    private static let background: Color = (24, 26, 31)
    private static let text: Color = (225, 228, 235)
    private static let success: Color = (46, 190, 96)

    /// An empty grid.
    /// - Parameters:
    ///   - tiles: how many tiles there are; the grid is between square and twice as wide as high, with as few gaps as that allows.
    ///   - side: side of a tile's picture, in pixels.
    /// - Precondition: both are positive.
    public init(tiles: Int, side: Int) {
        precondition(tiles > 0 && side > 0, "\(tiles) tiles of \(side) pixels")
        self.side = side
        columns = Self.columns(for: tiles)
        rows = (tiles + columns - 1) / columns
        image = RGBImage(
            width: columns * Self.tileWidth(side) + Self.gap, height: rows * Self.tileHeight(side) + Self.gap,
            filledWith: Self.background)
    }

    /// Draws an episode's present state into its tile.
    public mutating func show(_ environment: any Environment, _ episode: EpisodeResult, at tile: Int) {
        precondition((0..<rows * columns).contains(tile), "tile \(tile) of \(rows * columns)")
        let x = Self.gap + tile % columns * Self.tileWidth(side)
        let y = Self.gap + tile / columns * Self.tileHeight(side)
        let width = side + 2 * Self.frame
        image.fill(x..<x + width, y..<y + width + Self.caption, with: episode.success ? Self.success : Self.background)
        let color = episode.success ? Self.background : Self.text
        // Rounded down, so that only a success reads 1.00.
        let label = "\(episode.seed) \(String(format: "%.2f", (episode.bestReward * 100).rounded(.down) / 100))"
        let fits = label.count * BitmapFont.advance * 2 <= width
        BitmapFont.draw(label, x: x + Self.frame, y: y + 4, scale: fits ? 2 : 1, color: color, into: &image)
        let picture = environment.render(side: side)
        image.paste(picture, x: x + Self.frame, y: y + Self.caption + Self.frame)
    }

    private static func tileWidth(_ side: Int) -> Int { side + 2 * frame + gap }

    private static func tileHeight(_ side: Int) -> Int { side + 2 * frame + caption + gap }

    private static func columns(for tiles: Int) -> Int {
        let square = Int(Double(tiles).squareRoot().rounded(.up))
        func empty(_ columns: Int) -> Int { (tiles + columns - 1) / columns * columns - tiles }
        return (square...2 * square).min { empty($0) < empty($1) } ?? square
    }
}
