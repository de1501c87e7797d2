import DPInterface

/// The image of a camera above the Push-T world: the goal, the block, the agent and the walls, on white.
///
/// The colors, the order and the drawing steps are those of `PushTEnv.render` of the reference implementation,
/// which outlines shapes and lightens their interior. The small marks that it draws where shapes touch are omitted,
/// because they would require the solver's contacts in addition to the state.
struct PushTPicture {
    /// The goal's pose.
    let goal: Pose
    /// The state of agent and block.
    let state: PushTState

    /// Width of the world in pixels.
    static let worldSide = 512

    /// Colors by name; the raw value is the index into `palette`.
    private enum Color: UInt8, CaseIterable {
        case white, lightGray, lightGreen, lightSlateGray, lightenedSlateGray, royalBlue, lightenedBlue

        var components: SIMD3<UInt8> {
            switch self {
            case .white: SIMD3(255, 255, 255)
            case .lightGray: SIMD3(211, 211, 211)
            case .lightGreen: SIMD3(144, 238, 144)
            case .lightSlateGray: SIMD3(119, 136, 153)
            case .lightenedSlateGray: SIMD3(143, 163, 184)
            case .royalBlue: SIMD3(65, 105, 225)
            case .lightenedBlue: SIMD3(78, 126, 255)
            }
        }
    }

    private static let palette = Color.allCases.map(\.components)

    /// Returns the image as in the published demonstrations: drawn at 512 × 512, then resampled.
    func observationImage(side: Int) -> RGBImage {
        drawn(enlargedBy: 1, on: Self.worldSide).resampled(to: side, palette: Self.palette)
    }

    /// Returns the image for display, with smooth edges.
    func smoothImage(side: Int) -> RGBImage {
        let oversampling = 4
        let canvasSide = side * oversampling
        let scale = Double(canvasSide) / Double(Self.worldSide)
        return drawn(enlargedBy: scale, on: canvasSide).averaged(by: oversampling, palette: Self.palette)
    }

    private func drawn(enlargedBy scale: Double, on side: Int) -> Canvas {
        var brush = Brush(canvas: Canvas(side: side, filledWith: Color.white.rawValue), scale: scale)
        for rectangle in TBlock.rectangles {
            brush.fill(rectangle.corners.map(goal.placement()), with: .lightGreen)
        }
        for rectangle in TBlock.rectangles {
            let corners = rectangle.corners.map(state.block.placement())
            brush.fill(corners, with: .lightenedSlateGray)
            for (start, end) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
                brush.bar(from: start, to: end, radius: 2, with: .lightSlateGray)
            }
        }
        brush.disc(at: state.agent, radius: PushTSpace.agentRadius, with: .royalBlue)
        brush.disc(at: state.agent, radius: PushTSpace.agentRadius - 4, with: .lightenedBlue)
        for (start, end) in PushTSpace.walls {
            brush.bar(from: start, to: end, radius: PushTSpace.wallRadius, with: .lightGray)
        }
        return brush.canvas
    }

    /// Draws shapes given in pixels of the world on a canvas of another size.
    private struct Brush {
        var canvas: Canvas
        let scale: Double

        mutating func fill(_ corners: [SIMD2<Double>], with color: Color) {
            canvas.fill(corners.map(place), with: color.rawValue)
        }

        mutating func disc(at center: SIMD2<Double>, radius: Double, with color: Color) {
            canvas.disc(at: place(center), radius: Int((radius * scale).rounded()), with: color.rawValue)
        }

        /// Draws a thick line with round ends: a line, a rectangle around it and two discs.
        ///
        /// As in the reference, the sides of the rectangle are turned the wrong way for half of the directions,
        /// where the rectangle disappears into the line.
        mutating func bar(from start: SIMD2<Double>, to end: SIMD2<Double>, radius: Double, with color: Color) {
            let first = place(start)
            let last = place(end)
            let width = Int(max(1, radius * scale * 2).rounded(.toNearestOrEven))
            canvas.line(from: first, to: last, width: width, with: color.rawValue)
            let across = SIMD2(Double(abs(last.y - first.y)), Double(abs(last.x - first.x)))
            let length = (across * across).sum().squareRoot()
            guard width > 2, length > 0 else { return }
            let offset = across * (radius * scale / length)
            let side = Canvas.Point(
                Int(offset.x.rounded(.toNearestOrEven)), Int(offset.y.rounded(.toNearestOrEven)))
            canvas.fill(
                [first &- side, first &+ side, last &+ side, last &- side], with: color.rawValue)
            let end = Int((radius * scale).rounded(.toNearestOrEven))
            canvas.disc(at: first, radius: end, with: color.rawValue)
            canvas.disc(at: last, radius: end, with: color.rawValue)
        }

        private func place(_ point: SIMD2<Double>) -> Canvas.Point {
            let scaled = point * scale
            return Canvas.Point(Int(scaled.x.rounded(.toNearestOrEven)), Int(scaled.y.rounded(.toNearestOrEven)))
        }
    }
}
