/// A square picture with a small palette, drawn without anti-aliasing by the integer algorithms of pygame 2.1.
///
/// The published images were drawn with that library, so shapes cover exactly the pixels that its rules give,
/// oddities included. Parts outside the canvas are clipped.
struct Canvas {
    /// A position on the canvas: column and row from the upper left corner.
    typealias Point = SIMD2<Int>

    /// Number of columns and of rows.
    let side: Int
    /// Palette index of every pixel, row by row.
    private(set) var pixels: [UInt8]

    /// A canvas of one color.
    init(side: Int, filledWith color: UInt8) {
        self.side = side
        pixels = [UInt8](repeating: color, count: side * side)
    }

    /// Fills a polygon, including its border.
    ///
    /// Each row is filled between pairs of edges that it crosses; crossings are rounded toward the edge's upper end.
    mutating func fill(_ corners: [Point], with color: UInt8) {
        guard let top = corners.map(\.y).min(), let bottom = corners.map(\.y).max() else { return }
        let edges = zip(corners.suffix(1) + corners, corners)
        for row in max(top, 0)..<max(min(bottom, side - 1) + 1, max(top, 0)) {
            var crossings: [Int] = []
            for (start, end) in edges where start.y != end.y {
                let (upper, lower) = start.y < end.y ? (start, end) : (end, start)
                let isCrossed = upper.y <= row && row < lower.y
                if isCrossed || (row == bottom && lower.y == bottom) {
                    crossings.append((row - upper.y) * (lower.x - upper.x) / (lower.y - upper.y) + upper.x)
                }
            }
            crossings.sort()
            for index in stride(from: 0, to: crossings.count - 1, by: 2) {
                fillRow(row, from: crossings[index], through: crossings[index + 1], with: color)
            }
        }
        // A row excludes the lower ends of edges, so horizontal edges are drawn separately.
        for (start, end) in edges where start.y == end.y {
            let isInside = top < start.y && start.y < bottom
            if isInside || top == bottom {
                fillRow(start.y, from: min(start.x, end.x), through: max(start.x, end.x), with: color)
            }
        }
    }

    /// Draws a line by Bresenham's algorithm, thickened along rows when it is steep and along columns when it is flat.
    mutating func line(from start: Point, to end: Point, width: Int, with color: UInt8) {
        let difference = SIMD2(abs(end.x - start.x), abs(end.y - start.y))
        // Without a direction, the loop below would never end.
        guard start != end else { return fillRow(start.y, from: start.x, through: start.x, with: color) }
        let isSteep = difference.x <= difference.y
        let direction = SIMD2(start.x < end.x ? 1 : -1, start.y < end.y ? 1 : -1)
        let before = width / 2 - (width.isMultiple(of: 2) ? 1 : 0)
        let after = width / 2
        var error = (difference.x > difference.y ? difference.x : -difference.y) / 2
        var point = start
        while isSteep ? point.y != end.y + direction.y : point.x != end.x + direction.x {
            if isSteep {
                fillRow(point.y, from: point.x - before, through: point.x + after, with: color)
            } else {
                for row in point.y - before...point.y + after {
                    fillRow(row, from: point.x, through: point.x, with: color)
                }
            }
            let previous = error
            if previous > -difference.x {
                error -= difference.y
                point.x += direction.x
            }
            if previous < difference.y {
                error += difference.x
                point.y += direction.y
            }
        }
    }

    /// Fills a circle with the midpoint algorithm; its diameter is even, and it ends a pixel early at the right and
    /// bottom.
    mutating func disc(at center: Point, radius: Int, with color: UInt8) {
        var error = 1 - radius
        var slopeX = 0
        var slopeY = -2 * radius
        var x = 0
        var y = radius
        while x < y {
            if error >= 0 {
                y -= 1
                slopeY += 2
                error += slopeY
            }
            x += 1
            slopeX += 2
            error += slopeX + 1
            if error >= 0 {
                fillRow(center.y + y - 1, from: center.x - x, through: center.x + x - 1, with: color)
                fillRow(center.y - y, from: center.x - x, through: center.x + x - 1, with: color)
            }
            fillRow(center.y + x - 1, from: center.x - y, through: center.x + y - 1, with: color)
            fillRow(center.y - x, from: center.x - y, through: center.x + y - 1, with: color)
        }
    }

    private mutating func fillRow(_ row: Int, from first: Int, through last: Int, with color: UInt8) {
        let first = max(first, 0)
        let last = min(last, side - 1)
        guard 0 <= row, row < side, first <= last else { return }
        pixels.withUnsafeMutableBufferPointer {
            $0[row * side + first...row * side + last].update(repeating: color)
        }
    }
}
