"""What phoenix knows of HAWKI: nights of near-infrared images, OB by OB."""
